"""``openscan3``: a project of OpenScan3 0.11, one folder with a directory ``scanNN`` for every scan.

A kill leaves the step counter ahead of the registered photos and perhaps a photo of 0 bytes; photos that somebody
deleted vanish from every list. Source: ``FORMATS.md`` of the samples.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from pathlib import Path
from typing import Final

from scanner.model import MAX_SHOTS, CameraName, Viewpoint
from scanner.states import PassState
from scanner.storage.formats.fields import Fields
from scanner.storage.formats.folder import Entry, Flag, Folder, base_name, first_of
from scanner.storage.formats.legacy import OPENSCAN, STATES, Draft, PassDraft, Picture, Point
from scanner.storage.formats.passes import MOST_STACKS, usable_name
from scanner.storage.formats.pictures import Depth, is_jpeg, is_raw, look_at
from scanner.storage.formats.sidecars import MOST_EXPOSURE_US, viewpoint

PROJECT: Final = "openscan_project.json"
UPRIGHT: Final = 90.0  # theta counts from the zenith, elevation from the horizon
_SCAN: Final = re.compile(r"scan\d{2,4}")
_PHOTO: Final = re.compile(r"(scan\d{2,4})_(\d{3,6})(?:_fs(\d{1,3}))?\.\w+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scan:
    """What is known of one scan. ``listed``: its photos in the order saved, None where ``scan.json`` cannot say."""

    folder: Folder
    name: str
    paper: Fields
    listed: tuple[str, ...] | None
    camera: CameraName
    zone: tzinfo
    depth: Depth


def detect(path: Path) -> bool:
    """Whether a folder is one of these, by what lies in it."""
    if (path / PROJECT).is_file():
        return True
    try:
        scans = [child for child in path.iterdir() if _SCAN.fullmatch(child.name) and child.is_dir()]
        return any(_is_scan(child) for child in scans if not child.is_symlink())
    except OSError:
        return False


def read(folders: Sequence[Folder], zone: tzinfo, depth: Depth) -> Draft:
    """The project in the first of ``folders``; there is never another one."""
    folder = folders[0]
    paper = folder.document(PROJECT)
    if paper is None and PROJECT not in folder.entries:
        folder.note(PROJECT, "it is missing")
    project = paper or Fields({}, lambda _: None)
    for entry in folder.matching(lambda entry: entry.base.startswith(".tmp_")):
        folder.note(entry.name, "it is left over from a write that was cut off")
    passes = tuple(_pass(_scan(folder, name, zone, depth)) for name in _scan_names(folder, project))
    times = [part.created for part in passes if part.created]
    created = project.local("created", zone, PROJECT) or min(times, key=lambda time: time.at, default=None)
    title = first_of((project.text("name"), *(_project_name(folder, part.label) for part in passes))) or folder.name
    if title != folder.name:
        folder.note(PROJECT, f"the folder is not named like the project, {title!r}")
    return Draft(
        format=OPENSCAN,
        title=title,
        created=created,
        operator="",
        notes=project.text("description") or "",
        passes=passes,
    )


def _is_scan(directory: Path) -> bool:
    return any(path.name in {"scan.json", "path.json"} or _PHOTO.fullmatch(path.name) for path in directory.iterdir())


def _scan_names(folder: Folder, project: Fields) -> list[str]:
    """The scans that have a directory; those that are only listed are noted."""
    there = {entry.name.split("/")[0] for entry in folder.entries.values() if "/" in entry.name}
    names = sorted(name for name in there if _SCAN.fullmatch(name))
    for name in project.inside("scans").names():
        if name not in names:
            folder.note(PROJECT, f"it lists {name}, which is not there")
    return names


def _project_name(folder: Folder, scan: str) -> str | None:
    data = folder.documents.get(f"{scan}/scan.json")
    name = data.get("project_name") if isinstance(data, dict) else None
    return name.strip() if isinstance(name, str) else None


def _scan(folder: Folder, name: str, zone: tzinfo, depth: Depth) -> _Scan:
    place = f"{name}/scan.json"
    paper = folder.document(place)
    if paper is None and place not in folder.entries:
        folder.note(place, "it is missing")
    listed = None
    if paper is not None and "photos" in paper:
        listed = tuple(base for text in paper.texts("photos") if (base := base_name(text)) is not None)
    known = paper or Fields({}, lambda _: None)
    camera = usable_name(known.text("camera_name") or "", "camera")
    return _Scan(
        folder=folder, name=name, paper=known, listed=listed, camera=CameraName(camera), zone=zone, depth=depth
    )


def _pass(scan: _Scan) -> PassDraft:
    paper, zone = scan.paper, scan.zone
    settings = paper.inside("settings")
    pictures = tuple(_pictures(scan))
    points = _points(scan)
    stacks = _stacks(settings, pictures)
    said = paper.text("status") or ""
    state = _state(said, pictures, points)
    created = paper.local("created", zone, f"{scan.name}/scan.json")
    return PassDraft(
        label=scan.name,
        description=paper.text("description") or "",
        state=state,
        said=said,
        message=paper.text("system_message") or "",
        points=points,
        planned=settings.count("points") or len(points) or None,
        cameras=(scan.camera,),
        pictures=pictures,
        created=created,
        started=created,
        ended=paper.local("last_updated", zone, f"{scan.name}/scan.json"),
        duration_s=max(0.0, paper.number("duration") or 0.0),
        stacks=stacks,
        focus=_focus(settings, stacks),
        model=paper.text("camera_name") or "",
    )


def _state(said: str, pictures: tuple[Picture, ...], points: tuple[Point, ...]) -> PassState:
    if said:
        state = STATES.get(said.lower(), PassState.PAUSED)
        return PassState.PAUSED if state is PassState.PLANNED and pictures else state
    there = {picture.point for picture in pictures if picture.whole}
    return PassState.COMPLETED if there and {point.number for point in points} <= there else PassState.PAUSED


def _stacks(settings: Fields, pictures: tuple[Picture, ...]) -> int:
    most = max((picture.stack for picture in pictures), default=0) + 1
    return min(max(settings.count("focus_stacks") or 1, most), MOST_STACKS)


def _focus(settings: Fields, stacks: int) -> tuple[float, ...]:
    """The lens position of each picture of a focus stack, evenly over the range."""
    ends = settings.numbers("focus_range")
    if stacks == 1 or not ends:
        return ()
    return tuple(ends[0] + (ends[-1] - ends[0]) * step / (stacks - 1) for step in range(stacks))


def _points(scan: _Scan) -> tuple[Point, ...]:
    """The points in the order in which they were to be taken, by the number that photo names carry."""
    place = f"{scan.name}/path.json"
    paper = scan.folder.document(place)
    if paper is None:
        if place not in scan.folder.entries:
            scan.folder.note(place, "it is missing; only points with photos are known")
        return ()
    found: list[tuple[int, Point]] = []
    for index, item in enumerate(paper.objects("points")[:MAX_SHOTS]):
        step, number = item.count("execution_step"), item.count("original_step")
        point = Point(number=index if number is None else number, viewpoint=_polar(item.inside("polar")))
        found.append((index if step is None else step, point))
    return tuple({point.number: point for _, point in sorted(found, key=lambda pair: pair[0])}.values())


def _polar(fields: Fields) -> Viewpoint | None:
    theta, turn = fields.number("theta"), fields.number("fi")
    return None if theta is None or turn is None else viewpoint(turn, UPRIGHT - theta)


def _pictures(scan: _Scan) -> Iterator[Picture]:
    """The photos: the listed ones in the order saved, then what else is there."""
    entries = {entry.base: entry for entry in scan.folder.matching(lambda entry: entry.parent == scan.name)}
    listed = dict.fromkeys(scan.listed or ())
    for base in (*listed, *(base for base in sorted(entries) if base not in listed)):
        entry = entries.get(base)
        if entry is None:
            yield from _absent(scan, base)
        elif is_jpeg(base):
            yield _told(scan, _picture(scan, entry))
        elif is_raw(base):
            fault = not entry.size
            why = "it has 0 bytes" if fault else "it is no JPEG and was not looked into"
            scan.folder.flag(entry.name, Flag.DAMAGED if fault else Flag.UNVERIFIED, why)


def _absent(scan: _Scan, base: str) -> Iterator[Picture]:
    """A photo that is listed and not there; stacked ones lie elsewhere."""
    if f"{scan.name}/stacked/{base}" in scan.folder.entries:
        return
    found = _PHOTO.fullmatch(base)
    linked = f"{scan.name}/{base}" in scan.folder.links
    why = "scan.json lists it" + ("; there is only a link, which was not followed" if linked else "")
    if found is None or not is_jpeg(base):
        scan.folder.flag(f"{scan.name}/{base}", Flag.MISSING, why)
        return
    picture = _bare(scan, f"{scan.name}/{base}", base)
    yield _told(scan, replace(picture, present=False, flag=Flag.MISSING, why=why))


def _picture(scan: _Scan, entry: Entry) -> Picture:
    look = look_at(scan.folder.path(entry.name), entry, None, scan.depth)
    picture = replace(
        _bare(scan, entry.name, entry.base), size=look.size, sha256=look.sha256, width=look.width, height=look.height
    )
    if look.fault:
        return replace(picture, flag=Flag.DAMAGED, why=look.fault)
    if look.doubt:
        return replace(picture, flag=Flag.UNVERIFIED, why=look.doubt)
    if scan.listed is None:
        return replace(picture, flag=Flag.UNVERIFIED, why="scan.json cannot be asked for it")
    if entry.base not in scan.listed:
        return replace(picture, flag=Flag.UNREGISTERED, why="scan.json does not list it")
    return picture


def _bare(scan: _Scan, file: str, base: str) -> Picture:
    """A photo with what its name and its metadata say."""
    found = _PHOTO.fullmatch(base)
    stem = base.rpartition(".")[0]
    place = f"{scan.name}/metadata/{stem}.json"
    paper = None if scan.depth is Depth.GLANCE else scan.folder.document(place)
    paper = paper or Fields({}, lambda _: None)
    inner, raw = paper.inside("scan_metadata"), paper.inside("camera_metadata").inside("raw_metadata")
    return Picture(
        root=scan.folder.root,
        file=file,
        camera=scan.camera,
        point=int(found[2]) if found else inner.count("step"),
        stack=int(found[3] or 0) if found else 0,
        viewpoint=_polar(inner.inside("polar_coordinates")),
        exposure_us=min(round(raw.number("ExposureTime") or 0), MOST_EXPOSURE_US),
        gain=raw.number("AnalogueGain") or 0.0,
        lens_position=raw.number("LensPosition"),
    )


def _told(scan: _Scan, picture: Picture) -> Picture:
    if picture.flag is not None:
        scan.folder.flag(picture.file, picture.flag, picture.why)
    return picture
