"""How sharp a photo is against others of its ring: a running median per camera, elevation and exposure step."""

from __future__ import annotations

from bisect import insort
from collections import defaultdict

from scanner.model import CameraName, Photo, Plan, Shot

BAND = 10.0  # degrees: on plans without rings, shots of about the same elevation are compared

Ring = tuple[CameraName, int, float, float | None]


class RingMedians:
    """Running medians of the sharpness of one pass."""

    def __init__(self, plan: Plan, photos: dict[int, Photo]) -> None:
        self._banded = plan.kind in {"fibonacci", "spiral"}
        self._values: dict[Ring, list[float]] = defaultdict(list)
        for shot in plan.shots:
            photo = photos.get(shot.index)
            if photo is not None and photo.sharpness is not None:
                insort(self._values[self._ring(shot)], photo.sharpness)

    def relative(self, shot: Shot, sharpness: float) -> float:
        """``sharpness`` divided by the median of its ring so far, itself included."""
        values = self._values[self._ring(shot)]
        insort(values, sharpness)
        middle = len(values) // 2
        median = values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2
        return round(sharpness / median, 3) if median else 1.0

    def _ring(self, shot: Shot) -> Ring:
        elevation = shot.viewpoint.elevation
        band = round(elevation / BAND) if self._banded else round(elevation * 1000)
        return (shot.camera, band, shot.ev, shot.focus)
