"""Frozen values shared by all: what is (``spec`` holds what was asked for).

Units: degrees, seconds, millimetres; a suffix only where a value deviates (``exposure_us``). Times are UTC text as
made by :func:`scanner.clock.utc_text`. The structs are also the shapes of the API and of the files on disk.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, NewType, Protocol

from msgspec import Meta, Struct, field

SessionId = NewType("SessionId", str)  # 20261120-041530-blue-vase; also the directory's name
PassName = NewType("PassName", str)  # upright
JobId = NewType("JobId", str)  # j-8f3k2m
CameraName = NewType("CameraName", str)  # main
PhotoName = NewType("PhotoName", str)  # upright-00009-main.jpg

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")
SESSION_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")
PHOTO_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,127}(_[a-z0-9-]{1,12}){0,4}\.(jpg|dng)")
JOB_ID = re.compile(r"j-[a-z0-9]{6,16}")

MAX_SHOTS = 10_000  # in one pass
MAX_TITLE = 200


# Text for people: one line, without control characters and without those that turn the direction of writing.
PLAIN = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]*\Z"
ONE_LINE = "one line of text without control characters"
Line100 = Annotated[str, Meta(max_length=100, pattern=PLAIN, description=ONE_LINE)]
Line200 = Annotated[str, Meta(max_length=MAX_TITLE, pattern=PLAIN, description=ONE_LINE)]


class Value(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """Base of values that are decoded strictly."""


class Viewpoint(Struct, frozen=True, gc=False):
    """From where a photo is taken: turntable azimuth and camera elevation above the plate, degrees."""

    azimuth: float
    elevation: float


class Shot(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One planned photo, numbered from 1 in the order of the plan. ``ev`` and ``focus`` are its place in a bracket."""

    index: int
    viewpoint: Viewpoint
    camera: CameraName
    ev: float = 0.0
    focus: float | None = None


class Plan(Struct, frozen=True, kw_only=True):
    """The ordered shots of a pass: computed once, stored, never recomputed."""

    kind: str
    shots: tuple[Shot, ...]


class WhiteBalance(Value, frozen=True):
    """Gains of red and blue against green."""

    red: Annotated[float, Meta(ge=0.1, le=32)]
    blue: Annotated[float, Meta(ge=0.1, le=32)]


class LockedSettings(Value, frozen=True):
    """What a camera converged to and holds for a whole pass."""

    exposure_us: int
    gain: float
    white_balance: WhiteBalance
    lens_position: float | None  # dioptres; None for a fixed lens
    width: int
    height: int


class CameraInfo(Value, frozen=True):
    """What is known of a camera without taking a picture. ``fx`` in pixels is ``focal_mm / sensor_width_mm *
    width``.
    """

    name: CameraName
    model: str
    make: str
    width: int
    height: int
    focal_mm: float
    sensor_width_mm: float
    f_number: float
    bytes_per_photo: int  # at full size; replaced by the measured mean once photos exist


class Geometry(Value, frozen=True):
    """Where the camera stands: ``distance`` from its centre to the target point on the axis, ``target_height``
    above the plate.
    """

    distance: float
    target_height: float


class Planar(Protocol):
    """A planar I420 picture: an :class:`Exposure`, or a smaller one that is only looked at."""

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...

    @property
    def yuv(self) -> bytes: ...


class Exposure(Struct, frozen=True, kw_only=True):
    """A raw picture as the camera gave it, copied out of its buffers.

    ``yuv`` is planar I420: a full-size Y plane, then U and V at half width and half height, no row padding: ``3 *
    width * height / 2`` bytes; width and height are even.
    """

    camera: CameraName
    width: int
    height: int
    yuv: bytes
    exposure_us: int
    gain: float
    white_balance: WhiteBalance
    lens_position: float | None
    taken_at: str


class Frame(Struct, frozen=True, kw_only=True):
    """An encoded picture in memory, not yet on disk, with what was measured of it."""

    data: bytes
    width: int
    height: int
    exposure: PhotoExposure
    quality: Quality | None = None


class PhotoExposure(Struct, frozen=True, kw_only=True, gc=False):
    """How a photo was exposed."""

    taken_at: str
    exposure_us: int
    gain: float
    white_balance: WhiteBalance
    lens_position: float | None


class Quality(Struct, frozen=True, kw_only=True, gc=False):
    """What was measured on the raw picture: ``sharpness`` is the Tenengrad value of the object's box, the others
    are shares 0 to 1.
    """

    sharpness: float
    clipped: float
    shadows: float
    mean: float


class Photo(Struct, frozen=True, kw_only=True, gc=False):
    """The file of a saved shot and its metadata; the shape of ``GET .../photos``. ``url`` is filled in by the web
    layer.
    """

    name: PhotoName
    shot: int
    pass_: PassName = field(name="pass")
    camera: CameraName
    azimuth: float
    elevation: float
    measured: Viewpoint
    bytes: int
    sha256: str
    width: int
    height: int
    taken_at: str
    exposure_us: int
    gain: float
    sharpness: float | None = None
    sharpness_relative: float | None = None
    clipped: float | None = None


class Pause(Struct, frozen=True, kw_only=True):
    """Why work stands still, and whether it goes on by itself.

    ``user``: somebody pressed Pause. ``operator``: a person must act (turn_object, halted). ``restart``: shutdown or
    interrupted.
    ``fault``: a device or the disk failed (reason is the error's code). ``guard``: a condition that ends by itself.
    """

    by: Literal["user", "guard", "restart", "fault", "operator"]
    reason: str
    message: str
    resumes_by_itself: bool = False


class Progress(Struct, frozen=True, kw_only=True):
    """How far a job is."""

    done: int
    total: int
    unit: str = "photos"
    eta_s: float | None = None


class RigInfo(Value, frozen=True):
    """The rig as it was when a pass was planned, kept in ``pass.json`` so that a session is complete in itself.

    ``fixed_elevation``: the camera's elevation on a rig without tilt, else None. ``geometry`` None: not configured.
    """

    name: str
    geometry: Geometry | None
    fixed_elevation: float | None
    cameras: tuple[CameraInfo, ...]


class ObjectRef(Value, frozen=True):
    """The thing scanned."""

    id: Line100 | None = None
    label: Line200 = ""
    worklist: Line100 | None = None
