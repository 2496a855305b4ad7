"""Before the first shot of a run: home what is unknown, switch the lights on, lock the cameras.

Exposure, white balance and focus are locked once per pass: a pass that goes on after a pause or a crash uses what its
first run found, so that all its photos match.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from scanner.engine.steps import deadline
from scanner.errors import AxisStuckError, CameraTimeoutError
from scanner.model import CameraName, LockedSettings, Shot
from scanner.rig import RigControl
from scanner.spec import CameraSettings, FixedExposure, FixedFocus, PassSpec

Locked = Mapping[CameraName, LockedSettings]

HOMING: Final = 120.0  # seconds of the world; a slow tilt with its switch at the far end needs one minute
PREPARING: Final = 60.0


def held(settings: CameraSettings, locked: LockedSettings | None) -> CameraSettings:
    """``settings`` with every ``auto`` replaced by what was locked before; unchanged when nothing was."""
    if locked is None:
        return settings
    focus: FixedFocus | None = None
    if locked.lens_position is not None:
        focus = FixedFocus(lens_position=locked.lens_position)
    return replace(
        settings,
        exposure=FixedExposure(shutter_us=locked.exposure_us, gain=locked.gain),
        white_balance=locked.white_balance,
        focus=focus or settings.focus,
        width=locked.width,
        height=locked.height,
    )


def cameras_of(shots: tuple[Shot, ...]) -> tuple[CameraName, ...]:
    """The cameras that shots need, in order of first use."""
    return tuple(dict.fromkeys(shot.camera for shot in shots))


async def stage(
    rig: RigControl, spec: PassSpec, shots: tuple[Shot, ...], before: Locked
) -> dict[CameraName, LockedSettings]:
    """Make the rig ready for ``shots`` and return what the cameras locked.

    The lights come first, so that exposure converges in their light. Errors: HardwareError, SpecError (a size the
    camera cannot give).
    """
    names = rig.devices.lights
    await rig.set_lights(dict.fromkeys(names, 1.0) if spec.lights is None else dict.fromkeys(names, 0.0) | spec.lights)
    async with deadline(HOMING, AxisStuckError("homing did not end: check motor, coupling and switch")):
        await rig.home_axes(only_unknown=True)
    return {name: await prepare(rig, name, held(spec.camera, before.get(name))) for name in cameras_of(shots)}


async def prepare(rig: RigControl, name: CameraName, settings: CameraSettings) -> LockedSettings:
    """Lock one camera, within bounds. Errors: CameraError, SpecError."""
    async with deadline(PREPARING, CameraTimeoutError(f"camera {name} does not come to rest: check its cable")):
        return await rig.camera(name).prepare(settings)
