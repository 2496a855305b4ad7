"""The EXIF block of a photo, made when it is saved, so that a photo that left its session still says how it was taken.

Photogrammetry programs read the focal length from it: FocalLength with the focal-plane resolution gives it in pixels,
exactly. Left out on purpose: FocalLengthIn35mmFilm (an integer: 1 % off, and preferred by readers) and any place (GPS).
Source: CIPA DC-008 (EXIF 2.32).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from scanner.model import CameraInfo, PhotoExposure

if TYPE_CHECKING:
    from fractions import Fraction

    from PIL.TiffImagePlugin import IFDRational

UPRIGHT: Final = 1
CENTIMETRES: Final = 3
BASE_ISO: Final = 100  # at gain 1
FINEST: Final = 10_000  # largest denominator: numerator and denominator are 32-bit numbers


def exif_bytes(camera: CameraInfo, exposure: PhotoExposure, width: int, height: int, unique_id: str) -> bytes:
    """EXIF for a photo of ``width`` x ``height`` pixels: ``Exif``, two zero bytes, then the TIFF structure.

    ``unique_id``: 32 hex digits that no other photo in the world has. ``exposure.taken_at`` is UTC text.
    """
    from fractions import Fraction  # noqa: PLC0415 - a daemon that takes no photos never loads it, nor Pillow

    from PIL import ExifTags, Image  # noqa: PLC0415 - as above

    base, tag = ExifTags.Base, Image.Exif()
    taken = datetime.fromisoformat(exposure.taken_at).astimezone(UTC)
    pixels_per_centimetre = _rational(Fraction(width * 10) / Fraction(str(camera.sensor_width_mm)))
    tag[base.Make] = camera.make
    tag[base.Model] = camera.model
    tag[base.Orientation] = UPRIGHT
    tag.get_ifd(ExifTags.IFD.Exif).update(
        {
            base.ExifVersion: b"0232",
            base.DateTimeOriginal: taken.strftime("%Y:%m:%d %H:%M:%S"),
            base.SubsecTimeOriginal: f"{taken.microsecond // 1000:03d}",
            base.OffsetTimeOriginal: "+00:00",
            base.ExposureTime: _rational(Fraction(exposure.exposure_us, 1_000_000), finest=1_000_000),
            base.FNumber: _rational(Fraction(str(camera.f_number))),
            base.ISOSpeedRatings: round(exposure.gain * BASE_ISO),
            base.FocalLength: _rational(Fraction(str(camera.focal_mm))),
            base.FocalPlaneXResolution: pixels_per_centimetre,
            base.FocalPlaneYResolution: pixels_per_centimetre,
            base.FocalPlaneResolutionUnit: CENTIMETRES,
            base.ExifImageWidth: width,
            base.ExifImageHeight: height,
            base.LensModel: f"{camera.focal_mm:g} mm f/{camera.f_number:g}",
            base.ImageUniqueID: unique_id,
        }
    )
    return tag.tobytes()


def _rational(value: Fraction, finest: int = FINEST) -> IFDRational:
    """``value`` as EXIF stores it. A plain float would become a DOUBLE, which EXIF does not know and readers ignore."""
    from PIL.TiffImagePlugin import IFDRational  # noqa: PLC0415 - as above

    short = value.limit_denominator(finest)
    return IFDRational(short.numerator, short.denominator)
