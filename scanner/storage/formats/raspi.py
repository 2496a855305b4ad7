"""``raspi_v2``: the predecessor (V2.0), one session in one folder, or in several that
belong together (see :mod:`dual`).

Most of these sessions were never finalised, the state file was not written atomically, and the index lost sessions: the
disk is trusted, documents fill in what it cannot say. Source: ``FORMATS.md`` of the samples.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Final

from scanner.model import MAX_SHOTS, CameraName
from scanner.states import PassState
from scanner.storage.formats import current
from scanner.storage.formats.fields import Fields, Moment
from scanner.storage.formats.folder import Entry, Folder, first_of
from scanner.storage.formats.legacy import DUAL, RASPI, STATES, Draft, PassDraft, Picture, Point
from scanner.storage.formats.pictures import Depth
from scanner.storage.formats.sidecars import Promise, pictures_of, position

RUN: Final = "_".join(("scan", "id"))  # the predecessor's word for what links its files; not one of ours
SESSION: Final = "metadata/session.json"
INDEX: Final = "metadata/sessions_index.json"
STATE, REPORT, POSITIONS = "_state.json", "_report.json", "_scan_positions.json"
UNFINISHED: Final = "active"  # what a session says that was never finalised
LABEL: Final = "images"
_STAMPED: Final = re.compile(r"(.+?)_(\d{8}_\d{6})")
_PHOTO: Final = re.compile(r"scan_point_\d+_cam|scan_.+_point_\d+_.*camera_\d|manual_capture_camera_\d", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Papers:
    """The documents of a session, those of the leading folder first."""

    sessions: tuple[Fields, ...]
    states: tuple[Fields, ...]
    reports: tuple[Fields, ...]
    positions: tuple[Fields, ...]
    indexed: tuple[Fields, ...]

    def parameters(self) -> Iterator[Fields]:
        """Every ``scan_parameters``."""
        for paper in (*self.sessions, *self.states, *self.reports):
            yield paper.inside("scan_parameters")

    def said(self) -> Iterator[str | None]:
        """Every word for the state, the most trusted first."""
        words = [paper.text("status") for paper in (*self.sessions, *self.reports, *self.states)]
        yield from (word for word in words if word != UNFINISHED)
        yield from words


def detect(path: Path) -> bool:
    """Whether a folder is one of these, by what lies in it."""
    metadata = path / "metadata"
    if current.detect(path):
        return False
    if (path / SESSION).is_file():
        return True
    if _holds(path, lambda name: name.endswith((STATE, REPORT, POSITIONS)) or _PHOTO.match(name) is not None):
        return True
    if _holds(metadata, lambda name: name.endswith(("_metadata.json", POSITIONS))):
        return True
    return _holds(path / "images", lambda name: name.lower().endswith((".jpg", ".jpeg")))


def read(folders: Sequence[Folder], zone: tzinfo, depth: Depth) -> Draft:
    """The session in ``folders``, the leading one first."""
    papers = _papers(folders)
    pictures: list[Picture] = []
    promises: list[Promise] = []
    for folder in folders:
        found, said = pictures_of(folder, zone, depth)
        pictures += found
        promises += said
        _note_leftovers(folder)
    points, planned = _points(papers, folders[0])
    title = _title(papers, folders[0])
    created = _created(papers, folders, zone, pictures)
    part = _pass(papers, zone, pictures, points, planned)
    return Draft(
        format=RASPI if len(folders) == 1 else DUAL,
        title=title,
        created=created,
        operator=first_of(paper.text("operator") for paper in papers.sessions) or "",
        notes=first_of(paper.text("description") for paper in papers.sessions) or "",
        passes=(_described(part, created, promises),) if pictures or points or planned else (),
    )


def _holds(directory: Path, fits: Callable[[str], bool]) -> bool:
    try:
        return any(fits(path.name) for path in directory.iterdir())
    except OSError:
        return False


def _papers(folders: Sequence[Folder]) -> _Papers:
    sessions: list[Fields] = []
    indexed: list[Fields] = []
    for folder in folders:
        paper = folder.document(SESSION)
        if paper is not None:
            sessions.append(paper)
            continue
        if SESSION not in folder.entries:
            folder.note(SESSION, "it is missing")
        indexed += _from_index(folder)
    return _Papers(
        sessions=tuple(sessions),
        states=_documents(folders, STATE),
        reports=_documents(folders, REPORT),
        positions=_documents(folders, POSITIONS),
        indexed=tuple(indexed),
    )


def _documents(folders: Sequence[Folder], ending: str) -> tuple[Fields, ...]:
    found: list[Fields] = []
    for folder in folders:
        for entry in folder.matching(lambda entry: entry.base.endswith(ending) and entry.parent in {"", "metadata"}):
            paper = folder.document(entry.name)
            if paper is not None:
                found.append(paper)
    return tuple(found)


def _from_index(folder: Folder) -> Iterator[Fields]:
    """What the index beside the sessions says of a folder that has lost its own document: title and time only."""
    base = Folder(folder.root.parent.parent)
    place = base.root / INDEX
    if not place.is_file() or place.is_symlink():
        return
    base.entries[INDEX] = Entry(name=INDEX, size=place.stat().st_size, mtime_ns=0)
    index = base.document(INDEX)
    if index is not None and folder.root.name in index:
        yield index.inside(folder.root.name)


def _points(papers: _Papers, folder: Folder) -> tuple[tuple[Point, ...], int | None]:
    """The planned points, and how many were planned."""
    lists = (
        *(paper.objects("scan_positions") for paper in papers.positions),
        *(paper.objects("scan_positions") for paper in papers.parameters() if "scan_positions" in paper),
    )
    items = next((found for found in lists if found), ())
    if len(items) > MAX_SHOTS:
        folder.note(POSITIONS, f"{len(items)} points are more than a pass can have; the first {MAX_SHOTS} count")
    points: dict[int, Point] = {}
    for place, item in enumerate(items[:MAX_SHOTS]):
        index = item.count("point_index")
        number = place if index is None else index
        points.setdefault(number, Point(number=number, viewpoint=position(item.inside("position"))))
    if points:
        return tuple(points.values()), len(points)
    planned = next((total for total in _totals(papers) if total), None)
    if planned is None or planned > MAX_SHOTS:
        return (), planned
    return tuple(Point(number=number, viewpoint=None) for number in range(planned)), planned


def _totals(papers: _Papers) -> Iterator[int | None]:
    for paper in papers.positions:
        yield paper.inside("scan_info").count("total_points")
    for paper in papers.states:
        yield paper.inside("progress").count("total_points")
    for paper in papers.reports:
        yield paper.count("total_points")
    for paper in papers.parameters():
        yield paper.count("total_points")


def _title(papers: _Papers, folder: Folder) -> str:
    given = first_of(
        (
            *(paper.text("scan_name") for paper in papers.sessions),
            *(paper.text("scan_name") for paper in papers.parameters()),
            *(paper.text("scan_name") for paper in papers.indexed),
        )
    )
    stamped = _STAMPED.fullmatch(folder.name)
    return given or (stamped[1].replace("_", " ").strip() if stamped else "") or folder.name


def _created(papers: _Papers, folders: Sequence[Folder], zone: tzinfo, pictures: Sequence[Picture]) -> Moment | None:
    """The earliest epoch if there is one, else the first naive time."""
    exact = [paper.epoch("start_time", "session.json") for paper in papers.sessions]
    exact += [paper.epoch("start_time", "sessions_index.json") for paper in papers.indexed]
    known = [moment for moment in exact if moment is not None]
    if known:
        return min(known, key=lambda moment: moment.at)
    local = (
        *(paper.inside("timing").local("start_time", zone, "state file") for paper in papers.states),
        *(paper.inside("metadata").local("created_at", zone, "state file") for paper in papers.states),
        *(paper.local("start_time", zone, "report file") for paper in papers.reports),
        *(paper.inside("scan_info").local("generated_at", zone, "positions file") for paper in papers.positions),
        *sorted((picture.taken for picture in pictures if picture.taken), key=lambda moment: moment.at)[:1],
        *(_stamp(folder.name, zone) for folder in folders),
    )
    return next((moment for moment in local if moment is not None), None)


def _stamp(name: str, zone: tzinfo) -> Moment | None:
    found = _STAMPED.fullmatch(name)
    try:
        naive = datetime.strptime(found[2], "%Y%m%d_%H%M%S").replace(tzinfo=zone) if found else None
    except ValueError:
        return None
    text = naive.replace(tzinfo=None).isoformat() if naive else ""
    return Moment(at=naive, naive=text, origin="folder name") if naive else None


def _pass(
    papers: _Papers, zone: tzinfo, pictures: Sequence[Picture], points: tuple[Point, ...], planned: int | None
) -> PassDraft:
    said = first_of(papers.said()) or ""
    timing = [paper.inside("timing") for paper in papers.states]
    started = (*(paper.local("start_time", zone, "report file") for paper in papers.reports),
               *(paper.local("start_time", zone, "state file") for paper in timing))  # fmt: skip
    ended = (*(paper.local("end_time", zone, "report file") for paper in papers.reports),
             *(paper.local("end_time", zone, "state file") for paper in timing),
             *(paper.epoch("end_time", "session.json") for paper in papers.sessions))  # fmt: skip
    worked = (*(paper.number("elapsed_time") for paper in papers.reports),
              *(paper.number("elapsed_time") for paper in timing))  # fmt: skip
    cameras = tuple(sorted({picture.camera for picture in pictures})) or (CameraName("camera-0"),)
    return PassDraft(
        label=LABEL,
        description="",
        state=_state(said, pictures, points, cameras),
        said=said,
        message=first_of(text for paper in papers.states for text in paper.texts("errors")) or "",
        points=points,
        planned=planned,
        cameras=cameras,
        pictures=tuple(pictures),
        created=None,
        started=next((moment for moment in started if moment), None),
        ended=next((moment for moment in ended if moment), None),
        duration_s=max(0.0, next((seconds for seconds in worked if seconds), 0.0)),
    )


def _state(
    said: str, pictures: Sequence[Picture], points: tuple[Point, ...], cameras: tuple[CameraName, ...]
) -> PassState:
    """What the old word means; without one, whether all that was planned is there."""
    if said and said != UNFINISHED:
        state = STATES.get(said.lower(), PassState.PAUSED)
        return PassState.PAUSED if state is PassState.PLANNED and pictures else state
    there = {(picture.point, picture.camera) for picture in pictures if picture.whole}
    wanted = {(point.number, camera) for point in points for camera in cameras}
    return PassState.COMPLETED if there and wanted <= there else PassState.PAUSED


def _described(part: PassDraft, created: Moment | None, promises: Sequence[Promise]) -> PassDraft:
    return replace(
        part,
        created=created,
        model=first_of(promise.model for promise in promises) or "",
        make=first_of(promise.make for promise in promises) or "",
    )


def _note_leftovers(folder: Folder) -> None:
    for entry in folder.matching(lambda entry: entry.base.startswith(".tmp_")):
        folder.note(entry.name, "it is left over from a write that was cut off")
