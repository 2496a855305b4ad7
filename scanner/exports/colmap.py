"""COLMAP: the photos and a text model with their poses, ready for ``point_triangulator`` or as priors.

    images/                     the photos: hard links, copies where the file system has none
    sparse/0/cameras.txt        PINHOLE, or OPENCV where the distortion was measured
    sparse/0/images.txt         world to camera, quaternion w x y z, t = -R C; world = plate frame, millimetres, Z up
    sparse/0/points3D.txt       empty: nothing is reconstructed here
    sparse/1/...                the second pass

Between passes the object is turned over, so photos of two passes share no frame: each pass is a model of its own, as
COLMAP keeps models that have nothing in common. A folder level stands in ``images/`` only where it tells something
apart: ``images/<pass>/`` with several passes, ``<camera>/`` below it with several cameras; the usual scan lies flat,
which the simpler readers of this format need.

Images and cameras are numbered as COLMAP numbers them in its database, by which ``point_triangulator`` matches them:
images in the order of their names, cameras as they first appear. (Feature extraction keeps that order with one
thread, or for photos that were imported before. Two cameras of one make and model look like one to it, unless it is
told ``single_camera_per_folder``; here they are two.)
Source: https://colmap.github.io/format.html#text-format
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from scanner.exports.intrinsics import Intrinsics
from scanner.exports.poses import quaternion
from scanner.exports.source import ExportSource, SourcePass, SourcePhoto
from scanner.model import CameraName, PassName


@dataclass(frozen=True, slots=True, kw_only=True)
class _Image:
    """A photo with its place and numbers in the export."""

    source: SourcePhoto
    pass_name: PassName
    name: str  # below images/, "/" between folders
    number: int
    camera_number: int


def export(source: ExportSource, target: Path) -> None:
    """Write ``source`` below the empty folder ``target``. Errors: OSError."""
    images = _numbered(source)
    for image in images:
        _place(image.source.path, target / "images" / image.name)
    for number, scan_pass in enumerate(source.passes):
        model = target / "sparse" / str(number)
        model.mkdir(parents=True)
        own = [image for image in images if image.pass_name == scan_pass.name]
        cameras = {image.camera_number: image.source.intrinsics for image in own}
        _write(model / "cameras.txt", (camera_line(key, lens) for key, lens in cameras.items()))
        _write(model / "images.txt", chain.from_iterable((_image_line(image), "") for image in own))
        _write(model / "points3D.txt", ())


def camera_line(number: int, lens: Intrinsics) -> str:
    """A row of ``cameras.txt``: id, model, width, height, then the model's parameters."""
    model = "PINHOLE" if lens.distortion is None else "OPENCV"
    parameters = (lens.fx, lens.fy, lens.cx, lens.cy, *(lens.distortion or ()))
    return " ".join(map(str, (number, model, lens.width, lens.height, *parameters)))


def _image_line(image: _Image) -> str:
    pose = image.source.pose
    numbers = (image.number, *quaternion(pose.rotation), *pose.translation, image.camera_number)
    return " ".join([*map(repr, numbers), image.name])


def _numbered(source: ExportSource) -> list[_Image]:
    """All photos in the order of their names, with the numbers COLMAP's database gives them."""
    several = len(source.passes) > 1
    named = sorted(
        (name, scan_pass.name, photo)
        for scan_pass in source.passes
        for name, photo in _names(scan_pass, (scan_pass.name,) if several else ())
    )
    images: list[_Image] = []
    cameras: list[tuple[CameraName, Intrinsics]] = []
    for number, (name, pass_name, photo) in enumerate(named, start=1):
        key = (photo.photo.camera, photo.intrinsics)
        if key not in cameras:
            cameras.append(key)
        place = cameras.index(key) + 1
        images.append(_Image(source=photo, pass_name=pass_name, name=name, number=number, camera_number=place))
    return images


def _names(scan_pass: SourcePass, above: tuple[str, ...]) -> Iterable[tuple[str, SourcePhoto]]:
    several_cameras = len({photo.photo.camera for photo in scan_pass.photos}) > 1
    for photo in scan_pass.photos:
        own = (photo.photo.camera,) if several_cameras else ()
        yield "/".join((*above, *own, photo.photo.name)), photo


def _place(original: Path, place: Path) -> None:
    """Put the photo there without a second copy on the disk where possible."""
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        place.hardlink_to(original)
    except OSError:  # another file system, or one without hard links: exFAT, some shares
        shutil.copyfile(original, place)


def _write(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
