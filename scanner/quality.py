"""How good a picture is, measured on its luma before it is encoded: pure functions that may run in any thread.

Sharpness is the Tenengrad value, the mean squared Sobel gradient, inside the object's box: the middle of the frame, so
that the object's outline against the background does not count. Large pictures are shrunk first, those of 4608 pixels
to a quarter, so that noise does not pass for detail. Values compare only pictures of one camera, size and exposure,
from similar viewpoints: the running median of a ring is the measure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scanner.model import Planar, Quality

if TYPE_CHECKING:
    from numpy.typing import NDArray

BOX: Final = 0.36, 0.30, 0.64, 0.75  # left, top, right, bottom of the object's box as shares of the picture
CLIPPED: Final = 250  # codes from here are highlights without detail
SHADOW: Final = 5  # codes up to here are shadows without detail
MEASURED_WIDTH: Final = 1152  # pixels to which larger pictures are shrunk: a quarter of 4608
COUNTED: Final = 2  # every second row and column is counted


def measure(exposure: Planar) -> Quality:
    """Sharpness, shares of clipped highlights and shadows, mean level 0 to 1."""
    import numpy as np  # noqa: PLC0415 - loaded with the first picture

    luma = _luma(exposure)
    levels = np.bincount(luma[::COUNTED, ::COUNTED].ravel(), minlength=256) / luma[::COUNTED, ::COUNTED].size
    return Quality(
        sharpness=round(tenengrad(_box(luma, max(1, round(exposure.width / MEASURED_WIDTH)))), 3),
        clipped=round(float(levels[CLIPPED:].sum()), 6),
        shadows=round(float(levels[: SHADOW + 1].sum()), 6),
        mean=round(float(levels @ np.arange(256)) / 255, 4),
    )


def tenengrad(grey: NDArray[Any]) -> float:
    """Mean squared Sobel gradient of a grey picture (rows x columns, at least 3 x 3)."""
    import numpy as np  # noqa: PLC0415 - loaded with the first picture

    grey = grey.astype(np.float32)
    down = grey[:-2] + 2 * grey[1:-1] + grey[2:]
    across = grey[:, :-2] + 2 * grey[:, 1:-1] + grey[:, 2:]
    horizontal = (down[:, 2:] - down[:, :-2]) / 8
    vertical = (across[2:] - across[:-2]) / 8
    return float((horizontal * horizontal + vertical * vertical).mean())


def stillness(a: Planar, b: Planar) -> float:
    """Mean absolute difference of the luma of two pictures of one size, codes 0 to 255, inside the object's box.

    Compared at half size: movement shows there as well, noise half as much.
    """
    import numpy as np  # noqa: PLC0415 - loaded with the first picture

    return float(np.abs(_box(_luma(a), 2) - _box(_luma(b), 2)).mean())


def _luma(picture: Planar) -> NDArray[Any]:
    import numpy as np  # noqa: PLC0415 - loaded with the first picture

    area = picture.width * picture.height
    return np.frombuffer(picture.yuv, np.uint8, area).reshape(picture.height, picture.width)


def _box(luma: NDArray[Any], shrink: int) -> NDArray[Any]:
    """The object's box, each ``shrink`` x ``shrink`` pixels made one: float32."""
    import numpy as np  # noqa: PLC0415 - loaded with the first picture

    height, width = luma.shape
    left, right = (int(width * share) // shrink * shrink for share in (BOX[0], BOX[2]))
    top, bottom = (int(height * share) // shrink * shrink for share in (BOX[1], BOX[3]))
    box = luma[top:bottom, left:right].astype(np.uint16)
    total = np.zeros((len(box) // shrink, len(box[0]) // shrink), np.uint16)
    for row in range(shrink):
        for column in range(shrink):
            total += box[row::shrink, column::shrink]
    return total.astype(np.float32) / (shrink * shrink)
