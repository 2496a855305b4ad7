"""Before the first shot of a run: home what is unknown, switch the lights on, lock the cameras.

Exposure, white balance and focus are locked once per pass: a pass that goes on after a pause or a crash uses what its
first run found, so that all its photos match.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from scanner.model import CameraName, LockedSettings, Shot
from scanner.rig import RigControl
from scanner.spec import CameraSettings, FixedExposure, FixedFocus, PassSpec

Locked = Mapping[CameraName, LockedSettings]


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
    levels = spec.lights if spec.lights is not None else dict.fromkeys(rig.devices.lights, 1.0)
    await rig.set_lights(dict(levels))
    await rig.home_axes(only_unknown=True)
    locked: dict[CameraName, LockedSettings] = {}
    for name in cameras_of(shots):
        locked[name] = await rig.camera(name).prepare(held(spec.camera, before.get(name)))
    return locked
