"""JPEGs: encoding, EXIF, sizes, thumbnails."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image

from scanner.errors import DamagedError
from scanner.imaging import encode_jpeg, encode_preview, jpeg_size, splice_exif, thumbnail
from scanner.model import CameraName, Exposure, WhiteBalance

EXIF = b"Exif\0\0" + b"MM\0*\0\0\0\x08\0\x01\x01\x0f\0\x02\0\0\0\x04Abc\0\0\0\0\0"  # make: Abc


@dataclass(frozen=True)
class Planar:
    width: int
    height: int
    yuv: bytes


def planar(width: int = 640, height: int = 480) -> Exposure:
    """A picture with smooth gradients in all three planes."""
    y = np.add.outer(np.linspace(20, 120, height), np.linspace(0, 100, width))
    u = np.add.outer(np.linspace(80, 120, height // 2), np.linspace(0, 30, width // 2))
    v = np.add.outer(np.linspace(150, 110, height // 2), np.linspace(0, 20, width // 2))
    return Exposure(
        camera=CameraName("main"),
        width=width,
        height=height,
        yuv=b"".join(np.rint(plane).astype(np.uint8).tobytes() for plane in (y, u, v)),
        exposure_us=20_000,
        gain=1.0,
        white_balance=WhiteBalance(red=1.9, blue=1.6),
        lens_position=4.0,
        taken_at="2026-11-20T04:15:30.120Z",
    )


def decoded(data: bytes) -> np.ndarray:
    """Rows x columns x 3, YCbCr as stored."""
    with Image.open(io.BytesIO(data)) as image:
        image.draft("YCbCr", image.size)
        return np.asarray(image.convert("YCbCr") if image.mode != "YCbCr" else image)


@pytest.mark.parametrize("size", [(640, 480), (64, 66), (1922, 1082)])
def test_a_picture_comes_back_as_it_was(size: tuple[int, int]) -> None:
    width, height = size
    picture = planar(*size)
    back = decoded(encode_jpeg(picture, 95, None)).astype(int)
    area = width * height
    planes = np.frombuffer(picture.yuv, np.uint8)
    luma = planes[:area].reshape(height, width)
    u, v = planes[area:].reshape(2, height // 2, width // 2).repeat(2, axis=1).repeat(2, axis=2)
    for channel, plane in enumerate((luma, u, v)):
        off = np.abs(back[..., channel] - plane)
        assert off.mean() < 1.0
        assert off.max() <= 6


def test_the_encoder_is_given_what_a_camera_gives() -> None:
    with Image.open(io.BytesIO(encode_jpeg(planar(), 93, None))) as image:
        assert image.format == "JPEG"
        assert image.size == (640, 480)
        assert image.layer[0][1:3] == (2, 2)  # 4:2:0
        assert not image.info.get("progressive")


def test_quality_matters() -> None:
    chance = np.random.default_rng(1).integers(0, 256, 640 * 480 * 3 // 2, dtype=np.uint8).tobytes()
    sizes = [len(encode_jpeg(Planar(640, 480, chance), quality, None)) for quality in (30, 75, 93)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[2] / 2
    assert len(encode_preview(Planar(640, 480, chance))) == sizes[1]


def test_threads_encode_side_by_side() -> None:
    picture = planar()
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: encode_jpeg(picture, 90, None), range(8)))
    assert len(set(made)) == 1


# -- EXIF


def test_exif_is_put_in_without_touching_the_pixels() -> None:
    plain = encode_jpeg(planar(), 93, None)
    tagged = encode_jpeg(planar(), 93, EXIF)
    assert len(tagged) == len(plain) + len(EXIF) + 4
    assert tagged.replace(b"\xff\xe1" + (len(EXIF) + 2).to_bytes(2) + EXIF, b"") == plain
    with Image.open(io.BytesIO(tagged)) as image:
        assert image.getexif()[0x010F] == "Abc"
        assert "jfif" in image.info


def test_a_second_exif_replaces_the_first() -> None:
    once = splice_exif(encode_jpeg(planar(), 93, None), EXIF.replace(b"Abc", b"Xyz"))
    twice = splice_exif(once, EXIF)
    assert twice.count(b"Exif\0\0") == 1
    with Image.open(io.BytesIO(twice)) as image:
        assert image.getexif()[0x010F] == "Abc"


def test_other_segments_stay() -> None:
    plain = encode_jpeg(planar(), 93, None)
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x/>"
    more = b"".join(
        b"\xff" + marker + (len(body) + 2).to_bytes(2) + body for marker, body in ((b"\xe1", xmp), (b"\xfe", b"hello"))
    )
    tagged = splice_exif(plain[:2] + more + plain[2:], EXIF)
    assert more in tagged
    assert jpeg_size(tagged) == (640, 480)
    with Image.open(io.BytesIO(tagged)) as image:
        assert image.getexif()[0x010F] == "Abc"


@pytest.mark.parametrize("exif", [b"MM\0*", b"", b"Exif\0\0" + bytes(70_000)])
def test_exif_that_cannot_be_stored_is_refused(exif: bytes) -> None:
    with pytest.raises(ValueError, match="EXIF must begin"):
        splice_exif(encode_jpeg(planar(64, 64), 93, None), exif)


# -- sizes


@pytest.mark.parametrize("size", [(640, 480), (2, 2), (4608, 2592)])
def test_the_size_is_read_from_the_header(size: tuple[int, int]) -> None:
    data = encode_jpeg(planar(*size), 50, EXIF)
    assert jpeg_size(data) == size
    assert jpeg_size(data[:1000]) == size


def test_the_size_of_a_progressive_picture_is_read_too() -> None:
    target = io.BytesIO()
    Image.new("RGB", (33, 44)).save(target, "JPEG", progressive=True)
    assert jpeg_size(target.getvalue()) == (33, 44)


WHOLE = encode_jpeg(planar(64, 64), 50, EXIF)


@pytest.mark.parametrize(
    "data", [b"", b"\x89PNG\r\n", WHOLE[:30], WHOLE[:2], WHOLE[:2] + b"\0\0\0\0\0", WHOLE[:4] + b"\0\0" + WHOLE[6:]]
)
def test_what_is_no_jpeg_is_damaged(data: bytes) -> None:
    with pytest.raises(DamagedError):
        jpeg_size(data)


@given(cut=some.integers(0, len(WHOLE)), junk=some.binary(max_size=20))
def test_garbled_data_is_damaged_or_understood(cut: int, junk: bytes) -> None:
    try:
        width, height = jpeg_size(WHOLE[:cut] + junk)
    except DamagedError:
        return
    assert width >= 0
    assert height >= 0


def test_a_header_without_a_size_is_damaged() -> None:
    with pytest.raises(DamagedError, match="how large"):
        jpeg_size(b"\xff\xd8\xff\xe0\0\x04ab\xff\xda\0\x04cd")


# -- thumbnails


@pytest.mark.parametrize(
    ("size", "side", "small"), [((640, 480), 160, (160, 120)), ((480, 640), 160, (120, 160)), ((64, 64), 160, (64, 64))]
)
def test_a_thumbnail_fits_and_keeps_its_shape(size: tuple[int, int], side: int, small: tuple[int, int]) -> None:
    assert jpeg_size(thumbnail(encode_jpeg(planar(*size), 93, EXIF), side, 80)) == small


def test_a_thumbnail_shows_the_same_and_carries_no_exif(tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(encode_jpeg(planar(), 93, EXIF))
    small = thumbnail(photo, 160)
    assert b"Exif" not in small
    picture, tiny = (decoded(data).astype(float) for data in (photo.read_bytes(), small))
    assert np.abs(picture.reshape(120, 4, 160, 4, 3).mean(axis=(1, 3)) - tiny).mean() < 3.0


@pytest.mark.parametrize("data", [b"", b"not a picture", WHOLE[: len(WHOLE) // 2]])
def test_no_thumbnail_of_what_is_damaged(tmp_path: Path, data: bytes) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(data)
    with pytest.raises(DamagedError, match=r"photo\.jpg"):
        thumbnail(photo, 160, 80)
    with pytest.raises(DamagedError, match="This JPEG"):
        thumbnail(data, 160, 80)


def test_a_thumbnail_of_nothing_is_an_error_of_reading(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        thumbnail(tmp_path / "none.jpg", 160, 80)
