"""Every exporter against one suite: an independent reader finds each photo, and the camera where it really stood.

The truth is computed here from the definition (a camera that looks at a point from an angle), not by the product. A new
exporter is a new row in ``READERS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scanner.exports.registry import FORMATS, exporter
from scanner.exports.source import ExportSource
from scanner.model import PhotoName
from tests.scanner.exports.conftest import GEOMETRY
from tests.scanner.exports.mapping import import_pycolmap
from tests.scanner.exports.measuring import planned_pose


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a reader makes of one photo: file, world (a number), world-to-camera rotation, centre, camera matrix."""

    file: Path
    world: int
    rotation: np.ndarray
    centre: np.ndarray
    matrix: np.ndarray
    size: tuple[int, int]


def read_colmap(target: Path) -> dict[PhotoName, Seen]:
    pycolmap = import_pycolmap()
    found: dict[PhotoName, Seen] = {}
    for model in sorted((target / "sparse").iterdir()):
        reconstruction = pycolmap.Reconstruction(str(model))
        for image in reconstruction.images.values():
            found[PhotoName(Path(image.name).name)] = Seen(
                file=target / "images" / image.name,
                world=int(model.name),
                rotation=image.cam_from_world().rotation.matrix(),
                centre=image.projection_center(),
                matrix=image.camera.calibration_matrix(),
                size=(image.camera.width, image.camera.height),
            )
    return found


READERS: Mapping[str, Callable[[Path], dict[PhotoName, Seen]]] = {"colmap": read_colmap}


def test_every_exporter_has_a_reader_here():
    assert set(READERS) == set(FORMATS)


@pytest.fixture(params=sorted(READERS))
def format_name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=["one_pass", "two_passes"])
def source(request: pytest.FixtureRequest) -> ExportSource:
    return request.getfixturevalue(request.param)


@pytest.fixture
def seen(format_name: str, source: ExportSource, tmp_path: Path) -> dict[PhotoName, Seen]:
    target = tmp_path / "export"
    target.mkdir()
    exporter(format_name)(source, target)
    return READERS[format_name](target)


def test_every_photo_is_there_once_and_is_the_photo(source: ExportSource, seen: dict[PhotoName, Seen]):
    photos = {photo.photo.name: photo for scan_pass in source.passes for photo in scan_pass.photos}
    assert seen.keys() == photos.keys()
    for name, photo in photos.items():
        assert seen[name].file.read_bytes() == photo.path.read_bytes()


def test_centres_and_axes_are_those_of_the_measured_viewpoint(source: ExportSource, seen: dict[PhotoName, Seen]):
    for scan_pass in source.passes:
        for photo in scan_pass.photos:
            rotation, centre = planned_pose(photo.photo.measured, GEOMETRY)
            read = seen[photo.photo.name]
            np.testing.assert_allclose(read.centre, centre, atol=1e-9)
            np.testing.assert_allclose(read.rotation, rotation, atol=1e-12)


def test_focal_length_and_size_are_those_of_the_photo(source: ExportSource, seen: dict[PhotoName, Seen]):
    for scan_pass in source.passes:
        for photo in scan_pass.photos:
            read = seen[photo.photo.name]
            with Image.open(photo.path) as image:
                assert read.size == image.size
            focal = {"main": 4.74, "left": 4.74, "right": 8.0}[photo.photo.camera] / 6.4512 * read.size[0]
            middle = (read.size[0] / 2, read.size[1] / 2)
            np.testing.assert_allclose(read.matrix, [[focal, 0, middle[0]], [0, focal, middle[1]], [0, 0, 1]])


def test_photos_share_a_world_only_within_a_pass(source: ExportSource, seen: dict[PhotoName, Seen]):
    for number, scan_pass in enumerate(source.passes):
        assert {seen[photo.photo.name].world for photo in scan_pass.photos} == {number}
