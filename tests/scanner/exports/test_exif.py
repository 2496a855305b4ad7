"""The EXIF block says how the photo was taken, to readers that know nothing of this product."""

from __future__ import annotations

import io

import pytest
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from scanner.exports.exif import exif_bytes
from tests.scanner.exports.conftest import camera_info, exposure

SIZE = (640, 360)
UNIQUE = "0123456789abcdef0123456789abcdef"


def read(data: bytes) -> tuple[Image.Exif, dict[int, object]]:
    """Base tags and photo tags, read back from a JPEG that carries ``data``."""
    buffer = io.BytesIO()
    Image.new("RGB", SIZE).save(buffer, "jpeg", exif=data)
    with Image.open(buffer) as image:
        exif = image.getexif()
        return exif, exif.get_ifd(ExifTags.IFD.Exif)


@pytest.fixture
def tags() -> dict[int, object]:
    return read(exif_bytes(camera_info(), exposure(), *SIZE, unique_id=UNIQUE))[1]


def test_it_begins_as_a_jpeg_wants_it():
    assert exif_bytes(camera_info(), exposure(), *SIZE, unique_id=UNIQUE).startswith(b"Exif\x00\x00")


def test_camera_and_orientation_and_no_place():
    base, _ = read(exif_bytes(camera_info(), exposure(), *SIZE, unique_id=UNIQUE))
    assert base[ExifTags.Base.Make] == "Raspberry Pi"
    assert base[ExifTags.Base.Model] == "IMX708 main"
    assert base[ExifTags.Base.Orientation] == 1
    assert not base.get_ifd(ExifTags.IFD.GPSInfo)


def test_the_lens_gives_the_focal_length_in_pixels_exactly(tags):
    assert tags[ExifTags.Base.FocalPlaneResolutionUnit] == 3  # centimetres
    pixels_per_mm = tags[ExifTags.Base.FocalPlaneXResolution] / 10
    assert float(tags[ExifTags.Base.FocalLength] * pixels_per_mm) == pytest.approx(4.74 / 6.4512 * 640, rel=1e-6)
    assert tags[ExifTags.Base.FocalPlaneYResolution] == tags[ExifTags.Base.FocalPlaneXResolution]
    assert ExifTags.Base.FocalLengthIn35mmFilm not in tags
    assert tags[ExifTags.Base.LensModel] == "4.74 mm f/1.8"


def test_exposure(tags):
    assert tags[ExifTags.Base.ExposureTime] == IFDRational(1, 125)
    assert tags[ExifTags.Base.FNumber] == IFDRational(18, 10)
    assert tags[ExifTags.Base.ISOSpeedRatings] == 125
    assert (tags[ExifTags.Base.ExifImageWidth], tags[ExifTags.Base.ExifImageHeight]) == SIZE


def test_fractions_are_rationals_because_readers_ignore_doubles(tags):
    for name in ("FocalLength", "FocalPlaneXResolution", "FocalPlaneYResolution", "ExposureTime", "FNumber"):
        assert isinstance(tags[ExifTags.Base[name]], IFDRational), name


@pytest.mark.parametrize("exposure_us", [1, 31, 8_333, 999_999, 123_456_789, 600_000_000])
def test_every_exposure_time_survives_to_the_microsecond(exposure_us: int):
    _, tags = read(exif_bytes(camera_info(), exposure(exposure_us=exposure_us), *SIZE, unique_id=UNIQUE))
    assert round(float(tags[ExifTags.Base.ExposureTime]) * 1e6) == exposure_us


@pytest.mark.parametrize(
    ("taken_at", "date", "fraction"),
    [
        ("2026-11-20T04:15:30.120Z", "2026:11:20 04:15:30", "120"),
        ("2026-01-02T23:59:59.007Z", "2026:01:02 23:59:59", "007"),
        ("2026-01-03T01:30:00.000+02:00", "2026:01:02 23:30:00", "000"),
    ],
)
def test_the_time_is_utc_and_says_so(taken_at: str, date: str, fraction: str):
    _, tags = read(exif_bytes(camera_info(), exposure(taken_at=taken_at), *SIZE, unique_id=UNIQUE))
    assert tags[ExifTags.Base.DateTimeOriginal] == date
    assert tags[ExifTags.Base.SubsecTimeOriginal] == fraction
    assert tags[ExifTags.Base.OffsetTimeOriginal] == "+00:00"


def test_the_unique_id_is_there_for_who_must_tell_photos_apart(tags):
    assert tags[ExifTags.Base.ImageUniqueID] == UNIQUE
