"""Settings of the twin: the simulated devices (driver ``sim``) and the scene they share."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from scanner.model import Value

Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]


class SimMotion(Value, frozen=True):
    """How a simulated axis moves; degrees, seconds.

    ``start_angle`` is where it really stands at power-on (None: by chance, from ``twin.seed``). ``backlash`` is the
    play of its gear; ``approach`` the side from which every target is reached (``either``: the short way). After a move
    it swings by ``swing`` degrees, ``swing_frequency`` times a second, dying away with the time constant
    ``swing_decay``.
    """

    start_angle: float | None = None
    backlash: Annotated[float, Meta(ge=0, le=5)] = 0.0
    approach: Literal["either", "up", "down"] = "either"
    swing: NotNegative = 0.4
    swing_frequency: Positive = 9.0
    swing_decay: Positive = 0.045


class SimTurntable(SimMotion, frozen=True, tag_field="driver", tag="sim"):
    """A simulated turntable: endless, the shortest way round is taken."""

    speed: Positive = 60.0
    acceleration: Positive = 120.0


class SimTilt(SimMotion, frozen=True, tag_field="driver", tag="sim"):
    """A simulated camera arm, between ``lowest`` and ``highest`` degrees above the plate."""

    speed: Positive = 30.0
    acceleration: Positive = 60.0
    lowest: Annotated[float, Meta(ge=-30, le=90)] = 0.0
    highest: Annotated[float, Meta(ge=-30, le=90)] = 80.0


class SimCamera(Value, frozen=True, tag_field="driver", tag="sim"):
    """A simulated camera: an 8 mm lens before a 1/2.3 inch sensor, all of whose width is used at every picture size.

    ``k1`` is radial distortion (0: none), ``noise`` 1 is like a Pi's camera at base gain (0: none), ``settling`` the
    seconds that ``prepare`` takes to converge, ``preview_fps`` the pace of its live picture.
    """

    make: str = "Simulated"
    model: str = "Twin camera, 8 mm"
    width: Annotated[int, Meta(ge=64, le=16384, multiple_of=2)] = 1280
    height: Annotated[int, Meta(ge=64, le=16384, multiple_of=2)] = 960
    focal_mm: Positive = 8.0
    sensor_width_mm: Positive = 6.4512
    f_number: Positive = 16.0
    k1: Annotated[float, Meta(ge=-0.5, le=0.5)] = 0.0
    noise: Annotated[float, Meta(ge=0, le=20)] = 1.0
    settling: NotNegative = 0.5
    preview_fps: Annotated[float, Meta(gt=0, le=60)] = 12.0


class SimLight(Value, frozen=True, tag_field="driver", tag="sim"):
    """A simulated light; ``power`` is its brightness against the default ring light."""

    power: Annotated[float, Meta(gt=0, le=10)] = 1.0


class SimWorld(Value, frozen=True):
    """What the simulated cameras look at: a body of ``stone``, shaped by ``seed``.

    ``ambient`` is the room's light while the lights are off.
    """

    stone: Literal["agate", "jasper", "lapis", "malachite", "bone"] = "agate"
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1)] = 7
    ambient: Annotated[float, Meta(ge=0, le=1)] = 0.04
