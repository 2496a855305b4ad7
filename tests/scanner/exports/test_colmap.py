"""What an export to COLMAP consists of, file by file; what programs make of it is tested in ``test_round_trip``."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from scanner.exports.colmap import camera_line, export
from scanner.exports.intrinsics import Intrinsics
from scanner.exports.source import ExportSource
from tests.scanner.exports.mapping import import_pycolmap


def files(target: Path) -> list[str]:
    return sorted(path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file())


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "export"
    path.mkdir()
    return path


def test_one_pass_of_one_camera_lies_flat(one_pass: ExportSource, target: Path):
    export(one_pass, target)
    names = [f"main-{shot:05d}-main.jpg" for shot in range(1, 13)]
    model = ["sparse/0/cameras.txt", "sparse/0/images.txt", "sparse/0/points3D.txt"]
    assert files(target) == [f"images/{name}" for name in names] + model


def test_the_files_read_as_the_format_is_described(one_pass: ExportSource, target: Path):
    export(one_pass, target)
    cameras = (target / "sparse/0/cameras.txt").read_text().splitlines()
    focal = 4.74 / 6.4512 * 320
    assert len(cameras) == 1
    number, model, width, height, *parameters = cameras[0].split(" ")
    assert (number, model, width, height) == ("1", "PINHOLE", "320", "240")
    assert [float(value) for value in parameters] == pytest.approx([focal, focal, 160.0, 120.0], abs=1e-12)

    lines = (target / "sparse/0/images.txt").read_text().split("\n")
    assert len(lines) == 2 * 12 + 1
    assert set(lines[1::2]) == {""}  # no observations: a blank line after each photo
    fields = [line.split(" ") for line in lines[:-1:2]]
    assert [row[0] for row in fields] == [str(number) for number in range(1, 13)]
    assert {row[8] for row in fields} == {"1"}
    assert [row[9] for row in fields] == [f"main-{shot:05d}-main.jpg" for shot in range(1, 13)]
    assert (target / "sparse/0/points3D.txt").read_bytes() == b""


def test_several_passes_and_cameras_have_folders_and_each_pass_a_model(two_passes: ExportSource, target: Path):
    export(two_passes, target)
    folders = {Path(name).parent.as_posix() for name in files(target)}
    images = {f"images/{scan_pass}/{camera}" for scan_pass in ("upright", "flipped") for camera in ("left", "right")}
    assert folders == images | {"sparse/0", "sparse/1"}
    for number, name in enumerate(("upright", "flipped")):
        lines = (target / f"sparse/{number}/images.txt").read_text().splitlines()[::2]
        assert len(lines) == 10
        assert all(line.split(" ")[9].startswith(f"{name}/") for line in lines)
        assert len((target / f"sparse/{number}/cameras.txt").read_text().splitlines()) == 2


def test_photos_are_linked_not_copied(one_pass: ExportSource, target: Path):
    export(one_pass, target)
    for photo in one_pass.passes[0].photos:
        assert (target / "images" / photo.photo.name).samefile(photo.path)


def test_photos_are_copied_where_links_are_impossible(one_pass: ExportSource, target: Path, monkeypatch):
    def refuse(place: Path, original: Path) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link", str(original), None, str(place))

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    export(one_pass, target)
    for photo in one_pass.passes[0].photos:
        copy = target / "images" / photo.photo.name
        assert not copy.samefile(photo.path)
        assert copy.read_bytes() == photo.path.read_bytes()


def test_a_photo_that_is_gone_is_an_error(one_pass: ExportSource, target: Path):
    one_pass.passes[0].photos[3].path.unlink()
    with pytest.raises(FileNotFoundError, match="main-00004-main"):
        export(one_pass, target)


def test_the_same_session_gives_the_same_files(two_passes: ExportSource, target: Path, tmp_path: Path):
    again = tmp_path / "again"
    again.mkdir()
    export(two_passes, target)
    export(two_passes, again)
    assert files(target) == files(again)
    assert all((target / name).read_bytes() == (again / name).read_bytes() for name in files(target))


def test_a_measured_distortion_makes_an_opencv_camera():
    lens = Intrinsics(
        width=64, height=48, fx=50.25, fy=50.5, cx=32.0, cy=24.0, distortion=(-0.1, 0.02, 0.0001, -0.0002)
    )
    assert camera_line(3, lens) == "3 OPENCV 64 48 50.25 50.5 32.0 24.0 -0.1 0.02 0.0001 -0.0002"


@pytest.mark.parametrize("which", ["one_pass", "two_passes"])
def test_photos_and_cameras_are_numbered_as_the_program_numbers_them(which: str, request, target: Path, tmp_path: Path):
    """It matches models and databases by number; its own numbers come from reading the photos and their EXIF."""
    pycolmap = import_pycolmap()
    export(request.getfixturevalue(which), target)
    path = tmp_path / "database.db"
    reader = pycolmap.ImageReaderOptions()
    reader.camera_model = "PINHOLE"
    pycolmap.Database.open(path).close()
    pycolmap.import_images(path, target / "images", options=reader)
    with pycolmap.Database.open(path) as database:
        images = {image.name: image for image in database.read_all_images()}
        cameras = {camera.camera_id: camera for camera in database.read_all_cameras()}
    models = [pycolmap.Reconstruction(str(model)) for model in (target / "sparse").iterdir()]
    exported = [image for model in models for image in model.images.values()]
    assert {image.name: (image.image_id, image.camera_id) for image in exported} == {
        image.name: (image.image_id, image.camera_id) for image in images.values()
    }
    for image in exported:
        assert list(image.camera.params) == pytest.approx(list(cameras[image.camera_id].params), rel=1e-6)
        assert cameras[image.camera_id].has_prior_focal_length
