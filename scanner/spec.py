"""ScanSpec: what was asked for. One shape for API, command line, presets, schedules, work lists and ``pass.json``.

Decoded once, strictly, by :mod:`scanner.decoding`; limits that need no rig stand here as ``Meta``, limits of the rig
are checked by :mod:`scanner.planning`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from scanner.model import ONE_LINE, PLAIN, Line100, Line200, ObjectRef, Value, WhiteBalance

Slug = Annotated[
    str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,47}\Z", description="made of a-z, 0-9 and '-', at most 48 characters")
]
Tag = Annotated[str, Meta(min_length=1, max_length=60, pattern=PLAIN, description=ONE_LINE)]
Notes = Annotated[
    str,
    Meta(
        max_length=20_000,
        pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]*\Z",
        description="text without control characters",
    ),
]
Even = Annotated[int, Meta(ge=64, le=16384, multiple_of=2)]
Count = Annotated[int, Meta(ge=1, le=10_000)]
Azimuth = Annotated[float, Meta(ge=-3600, le=3600)]
Elevation = Annotated[float, Meta(ge=-90, le=90)]
Span = tuple[Elevation, Elevation]  # lowest, highest


class Ring(Value, frozen=True):
    """``count`` viewpoints, evenly spread over one turn, at one elevation (None: the rig's own, on a rig without
    tilt).
    """

    count: Count
    elevation: Elevation | None = None


class Rings(Value, frozen=True, tag_field="kind", tag="rings"):
    """Rings of viewpoints; ``stagger`` shifts ring i by step * i / rings so that viewpoints do not stand above each
    other.
    """

    rings: Annotated[tuple[Ring, ...], Meta(min_length=1, max_length=90)] | None = (
        None  # None: 24 at 10, 30 and 50 degrees
    )
    stagger: bool = True


class Fibonacci(Value, frozen=True, tag_field="kind", tag="fibonacci"):
    """The most even spread; ordered so that the rig moves little."""

    count: Count = 72
    elevation: Span = (5.0, 55.0)


class Spiral(Value, frozen=True, tag_field="kind", tag="spiral"):
    """One line winding upwards."""

    count: Count = 72
    turns: Annotated[float, Meta(gt=0, le=1000)] = 3.0
    elevation: Span = (5.0, 55.0)


class Grid(Value, frozen=True, tag_field="kind", tag="grid"):
    """Fixed steps in azimuth and elevation."""

    azimuth_step: Annotated[float, Meta(gt=0, le=360)] = 15.0
    elevation_step: Annotated[float, Meta(gt=0, le=180)] = 20.0
    elevation: Span = (10.0, 50.0)


class Listed(Value, frozen=True, tag_field="kind", tag="list"):
    """Viewpoints written out as ``[azimuth, elevation]``, or as ``csv`` text with one ``azimuth,elevation`` a line."""

    viewpoints: tuple[tuple[Azimuth, Elevation], ...] = ()
    csv: Annotated[str, Meta(max_length=1_000_000)] = ""


PlanSpec = Rings | Fibonacci | Spiral | Grid | Listed


class FixedExposure(Value, frozen=True):
    """A given exposure in place of ``auto``."""

    shutter_us: Annotated[int, Meta(ge=1, le=600_000_000)]
    gain: Annotated[float, Meta(ge=1, le=64)] = 1.0


class FixedFocus(Value, frozen=True):
    """A given lens position in dioptres in place of ``auto``."""

    lens_position: Annotated[float, Meta(ge=0, le=50)]


Auto = Literal["auto"]


class CameraSettings(Value, frozen=True):
    """How to photograph. ``auto`` converges once before the pass, then holds. Width and height None: all the camera
    has.
    """

    format: Literal["jpeg"] = "jpeg"
    quality: Annotated[int, Meta(ge=1, le=100)] = 93
    width: Even | None = None
    height: Even | None = None
    exposure: Auto | FixedExposure = "auto"
    white_balance: Auto | WhiteBalance = "auto"
    focus: Auto | FixedFocus = "auto"
    bracket_ev: Annotated[tuple[Annotated[float, Meta(ge=-8, le=8)], ...], Meta(min_length=1, max_length=9)] = (0.0,)
    focus_steps: (
        Annotated[tuple[Annotated[float, Meta(ge=0, le=50)], ...], Meta(min_length=1, max_length=64)] | None
    ) = None


class Retake(Value, frozen=True):
    """How often a blurred photo is taken again."""

    attempts: Annotated[int, Meta(ge=0, le=10)] = 1


class PassSpec(Value, frozen=True):
    """One pass as asked for. ``cameras`` None: all. ``settle``: seconds, or ``auto`` (until the picture stands
    still).
    """

    name: Slug = "main"
    plan: PlanSpec = field(default_factory=Rings)
    cameras: Annotated[tuple[Slug, ...], Meta(min_length=1)] | None = None
    camera: CameraSettings = field(default_factory=CameraSettings)
    lights: dict[Slug, Annotated[float, Meta(ge=0, le=1)]] | None = None
    settle: Auto | Annotated[float, Meta(ge=0, le=60)] = "auto"
    retake: Retake = field(default_factory=Retake)


class ScanSpec(Value, frozen=True):
    """A whole scan as asked for. ``plan``, ``camera`` and the other pass fields at the top stand for a single pass
    named "main".

    :func:`scanner.planning.normalise` turns either form into ``passes``.
    """

    title: Line200 = ""
    preset: Slug | None = None
    passes: Annotated[tuple[PassSpec, ...], Meta(min_length=1, max_length=32)] | None = None
    plan: PlanSpec | None = None
    cameras: Annotated[tuple[Slug, ...], Meta(min_length=1)] | None = None
    camera: CameraSettings | None = None
    lights: dict[Slug, Annotated[float, Meta(ge=0, le=1)]] | None = None
    settle: Auto | Annotated[float, Meta(ge=0, le=60)] | None = None
    retake: Retake | None = None
    object: ObjectRef | None = None
    operator: Line100 = ""
    tags: Annotated[tuple[Tag, ...], Meta(max_length=50)] = ()
    notes: Notes = ""
