"""What the lens does: focal length and principal point in pixels. The first pixel's centre is at (0.5, 0.5)."""

from __future__ import annotations

from dataclasses import dataclass

from scanner.model import CameraInfo

Distortion = tuple[float, float, float, float]  # k1, k2, p1, p2 as OpenCV defines them


@dataclass(frozen=True, slots=True, kw_only=True)
class Intrinsics:
    """A camera at one picture size, pixels. ``distortion`` None: not measured, and so not claimed."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: Distortion | None = None


def intrinsics(camera: CameraInfo, width: int, height: int) -> Intrinsics:
    """The nominal intrinsics: square pixels, the whole sensor width used at every size, the axis through the middle."""
    focal = camera.focal_mm / camera.sensor_width_mm * width
    return Intrinsics(width=width, height=height, fx=focal, fy=focal, cx=width / 2, cy=height / 2)
