"""The truth about the twin: what its lamps give and its axes do, whatever the control has noted down."""

from __future__ import annotations

from scanner.hardware.api import Rig

SWING = 1.0  # degrees by which an axis at rest may still swing


def brightness(devices: Rig) -> dict[str, float]:
    """What every light really gives."""
    return {name: light.brightness for name, light in devices.lights.items()}


def dark(devices: Rig) -> bool:
    """Whether no light gives anything."""
    return not any(brightness(devices).values())


def still(devices: Rig) -> bool:
    """Whether no motor runs: within a minute no axis will be anywhere else."""
    axes = [axis for axis in (devices.turntable, devices.tilt) if axis is not None]
    moments = [(axis, axis._clock.monotonic()) for axis in axes]
    return all(abs(axis.true_angle(now + 60.0) - axis.true_angle(now)) < SWING for axis, now in moments)
