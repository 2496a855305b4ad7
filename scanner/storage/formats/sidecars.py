"""The photos of a ``raspi_v2`` folder: its sidecars say what was promised, the folder what is there.

A photo is found by its name inside the folder, wherever a sidecar says that it once lay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import tzinfo
from pathlib import PurePosixPath
from typing import Final

from scanner.model import CameraName, Viewpoint
from scanner.storage.formats.fields import Fields, Moment
from scanner.storage.formats.folder import Entry, Flag, Folder, base_name
from scanner.storage.formats.legacy import Picture
from scanner.storage.formats.passes import usable_name
from scanner.storage.formats.pictures import Depth, Look, is_jpeg, is_raw, look_at

SIDECAR: Final = "_metadata.json"
ASIDE: Final = frozenset({"exports", "backups", "temp", "thumbnails", "cache"})  # directories without photos
MOST_EXPOSURE_US: Final = 3_600_000_000
FULL_TURN: Final = 360.0
STEEPEST: Final = 90.0
_POINT: Final = re.compile(r"point_(\d{1,6})(?!\d)", re.IGNORECASE)
_CAMERA: Final = re.compile(r"cam(?:era)?_?(\d{1,3})(?!\d)", re.IGNORECASE)
_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What a sidecar says of a file."""

    sidecar: str
    name: str
    is_photo: bool
    camera: str
    point: int | None
    size: int | None
    sha256: str | None
    created: Moment | None
    viewpoint: Viewpoint | None
    exposure_us: int
    gain: float
    lens_position: float | None
    make: str
    model: str


def is_sidecar(entry: Entry) -> bool:
    """Whether a file describes another one."""
    return entry.parent == "metadata" and entry.base.endswith(SIDECAR)


def is_photo_file(entry: Entry) -> bool:
    """Whether a file can be a photo, by name and place."""
    return is_jpeg(entry.base) and not (ASIDE & set(PurePosixPath(entry.name).parts[:-1])) and entry.base[:1] != "."


def position(fields: Fields) -> Viewpoint | None:
    """The viewpoint of ``x, y`` (mm) and ``z, c`` (degrees): the table stands at z; c is the camera's tilt, negative
    when it looks down.
    """
    turn, tilt = fields.number("z"), fields.number("c")
    if turn is None:
        return None
    return viewpoint(turn, -(tilt or 0.0))


def viewpoint(azimuth: float, elevation: float) -> Viewpoint:
    """A viewpoint within what a plan may hold."""
    turn = azimuth if abs(azimuth) <= FULL_TURN else azimuth % FULL_TURN
    return Viewpoint(turn + 0.0, max(-STEEPEST, min(STEEPEST, elevation)) + 0.0)


def pictures_of(folder: Folder, zone: tzinfo, depth: Depth) -> tuple[list[Picture], list[Promise]]:
    """The photos of a folder in the order in which they were taken, and what its sidecars say."""
    promises = [] if depth is Depth.GLANCE else list(_promises(folder, zone))
    photos = {entry.name: entry for entry in folder.matching(is_photo_file)}
    found: list[Picture] = []
    for promise in _latest(folder, promises):
        entry = _find(folder, promise.name)
        if not promise.is_photo or (entry is not None and not is_jpeg(entry.base)):
            _check_presence(folder, promise, entry)
        elif entry is None:
            found.append(_missing(folder, promise))
        else:
            photos.pop(entry.name, None)
            found.append(_promised(folder, entry, promise, depth))
    registry = bool(promises)
    found += [_stray(folder, entry, depth, registry=registry) for entry in photos.values()]
    for picture in found:
        if picture.flag is not None:
            folder.flag(picture.file, picture.flag, picture.why)
    for entry in folder.matching(lambda entry: is_raw(entry.base) and "thumb" not in entry.base):
        folder.flag(entry.name, Flag.UNVERIFIED, "it is no JPEG and was not looked into")
    return sorted(found, key=_order), promises


def _order(picture: Picture) -> tuple[float, int, str, str]:
    at = picture.taken.at.timestamp() if picture.taken else float("inf")
    return at, picture.point if picture.point is not None else 1 << 30, picture.camera, picture.file


def _promises(folder: Folder, zone: tzinfo) -> Iterator[Promise]:
    for entry in folder.matching(is_sidecar):
        fields = folder.document(entry.name)
        if fields is None:
            continue
        given = fields.text("filename") or fields.text("file_path") or ""
        name = base_name(given)
        if name is None:
            folder.note(entry.name, "it names no file")
            continue
        if name != given:
            folder.note(entry.name, "it gives a path; the file was looked for by its name in this folder alone")
        yield _promise(entry.name, name, fields, zone)


def _promise(sidecar: str, name: str, fields: Fields, zone: tzinfo) -> Promise:
    inner = fields.inside("metadata")
    settings = fields.inside("camera_settings")
    exif = settings.inside("embedded_exif")
    taken = inner.inside("camera_metadata")
    if "ExposureTime" not in taken:
        taken = settings.inside("picamera2_metadata")
    sha256 = fields.text("checksum")
    place = fields.inside("position_data")
    kind = (fields.text("data_type") or "").lower()
    return Promise(
        sidecar=sidecar,
        name=name,
        is_photo=is_jpeg(name) or (kind.endswith("image") and not is_raw(name)),
        camera=camera_name(fields.text("camera_id") or "", name),
        point=_point(fields, inner, name),
        size=fields.count("file_size"),
        sha256=sha256 if sha256 and _SHA256.fullmatch(sha256) else None,
        created=fields.local("created_at", zone, PurePosixPath(sidecar).name),
        viewpoint=position(place if "z" in place else inner.inside("scan_position")),
        exposure_us=min(round(taken.number("ExposureTime") or 0), MOST_EXPOSURE_US),
        gain=taken.number("AnalogueGain") or 0.0,
        lens_position=taken.number("LensPosition"),
        make=exif.text("make") or "",
        model=exif.text("model") or "",
    )


def _point(fields: Fields, inner: Fields, name: str) -> int | None:
    index = inner.count("scan_point_index")
    return point_in(fields.text("scan_point_id") or name) if index is None else index


def point_in(name: str) -> int | None:
    """The number of the point that a name gives."""
    found = _POINT.search(name)
    return int(found[1]) if found else None


def camera_name(said: str, name: str) -> CameraName:
    """The camera that a sidecar names, else the one in the file's name."""
    found = _CAMERA.search(name)
    text = said or (found[1] if found else "0")
    number = re.fullmatch(r"[0-9]{1,3}", text)
    return CameraName(usable_name(f"camera-{int(text)}" if number else text, "camera"))


def _latest(folder: Folder, promises: list[Promise]) -> list[Promise]:
    """One promise a file: the last one made, of several."""
    chosen: dict[str, Promise] = {}
    for promise in sorted(promises, key=lambda promise: promise.created.at.timestamp() if promise.created else 0.0):
        if promise.name in chosen:
            folder.note(promise.sidecar, f"{promise.name} has another sidecar; the later one counts")
        chosen[promise.name] = promise
    return list(chosen.values())


def _find(folder: Folder, name: str) -> Entry | None:
    """The file of this name: in ``images`` first, then at the top, then anywhere."""
    for place in (f"images/{name}", name):
        if place in folder.entries:
            return folder.entries[place]
    return next(iter(folder.matching(lambda entry: entry.base == name)), None)


def _check_presence(folder: Folder, promise: Promise, entry: Entry | None) -> None:
    if entry is None:
        folder.flag(promise.name, Flag.MISSING, _why_missing(folder, promise))


def _missing(folder: Folder, promise: Promise) -> Picture:
    return replace(
        _picture(folder, promise, f"images/{promise.name}"),
        present=False,
        size=promise.size or 0,
        sha256=promise.sha256 or "",
        flag=Flag.MISSING,
        why=_why_missing(folder, promise),
    )


def _why_missing(folder: Folder, promise: Promise) -> str:
    linked = any(base_name(link) == promise.name for link in folder.links)
    return f"{promise.sidecar} speaks of it{'; there is only a link, which was not followed' if linked else ''}"


def _promised(folder: Folder, entry: Entry, promise: Promise, depth: Depth) -> Picture:
    look = look_at(folder.path(entry.name), entry, promise.sha256, depth)
    doubt = look.doubt
    if promise.sha256 is None and not doubt:
        doubt = "its sidecar has no checksum"
        if promise.size is not None and promise.size != look.size:
            doubt += f" and another size ({promise.size} bytes)"
    return _seen(_picture(folder, promise, entry.name), look, Flag.UNVERIFIED, doubt)


def _stray(folder: Folder, entry: Entry, depth: Depth, *, registry: bool) -> Picture:
    look = look_at(folder.path(entry.name), entry, None, depth)
    picture = Picture(root=folder.root, file=entry.name, camera=camera_name("", entry.base), point=point_in(entry.base))
    if depth is Depth.GLANCE:
        return _seen(picture, look, Flag.UNVERIFIED, "")
    if registry:
        return _seen(picture, look, Flag.UNREGISTERED, "no sidecar speaks of it")
    return _seen(picture, look, Flag.UNVERIFIED, "there are no sidecars to check it against")


def _seen(picture: Picture, look: Look, flag: Flag, doubt: str) -> Picture:
    return replace(
        picture,
        size=look.size,
        sha256=look.sha256,
        width=look.width,
        height=look.height,
        flag=Flag.DAMAGED if look.fault else flag if doubt else None,
        why=look.fault or doubt,
    )


def _picture(folder: Folder, promise: Promise, file: str) -> Picture:
    return Picture(
        root=folder.root,
        file=file,
        camera=CameraName(promise.camera),
        point=promise.point,
        viewpoint=promise.viewpoint,
        taken=promise.created,
        exposure_us=promise.exposure_us,
        gain=promise.gain,
        lens_position=promise.lens_position,
    )
