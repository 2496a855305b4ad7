"""A whole picture: the views of its exposure rendered, averaged, put out of focus, developed; band by band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scanner.hardware.sim.defocus import Defocus, spread
from scanner.hardware.sim.lens import Lens, View
from scanner.hardware.sim.render import Picture
from scanner.hardware.sim.scene import Scene
from scanner.hardware.sim.sensor import Development, Noise, Planes, develop, read_out
from scanner.hardware.sim.textures import Floats

BAND_PIXELS = 120_000  # rows are painted together up to so many pixels: they stay in the processor's cache


def photograph(
    scene: Scene, views: Sequence[View], lens: Lens, how: Development, *, focus: float, noise: Noise
) -> bytes:
    """Take a picture that is the mean of ``views``, with the lens at ``focus`` dioptres: planar I420."""
    canvas = Canvas([Picture(scene, view, lens) for view in views], Defocus.of(lens, focus, views[0]))
    luma = np.empty((lens.height, lens.width), np.uint8)
    chroma = np.empty((2, lens.height // 2, lens.width // 2), np.uint8)
    rows = max(2, BAND_PIXELS // lens.width // 2 * 2, 2 * canvas.defocus.margin)
    for top in range(0, lens.height, rows):
        bottom = min(top + rows, lens.height)
        half = slice(top // 2, bottom // 2)
        luma[top:bottom], chroma[0, half], chroma[1, half] = read_out(canvas.expose(top, bottom, how), how, noise)
    return b"".join((luma.data, chroma.data))


@dataclass(frozen=True, slots=True)
class Canvas:
    """What falls on the sensor during one exposure."""

    pictures: list[Picture]
    defocus: Defocus

    def expose(self, top: int, bottom: int, how: Development) -> Planes:
        """Codes of rows ``top`` to ``bottom``, both even."""
        if not self.defocus.margin:
            return develop(self._light(top, bottom)[0], how)
        first, last = max(top - self.defocus.margin, 0), min(bottom + self.defocus.margin, self.pictures[0].lens.height)
        light, depth = self._light(first, last)
        planes, radius = develop(light, how), self.defocus.radius(depth)
        small = radius[::2, ::2] / 2
        whole, half = slice(top - first, bottom - first), slice((top - first) // 2, (bottom - first) // 2)
        return Planes(spread(planes.luma, radius)[whole], spread(planes.u, small)[half], spread(planes.v, small)[half])

    def _light(self, top: int, bottom: int) -> tuple[Floats, Floats]:
        """The mean light of the pictures (3 x rows x width), and the depth of the first (rows x width)."""
        light, depth = self.pictures[0].paint(top, bottom)
        for picture in self.pictures[1:]:
            light += picture.paint(top, bottom)[0]
        light *= np.float32(1 / len(self.pictures))
        return light, depth
