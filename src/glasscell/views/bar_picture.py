"""The pixels of a colour bar: its colours, and a hatched point at each end that clips."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glasscell.data.palette import to_rgb

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.views.legend import ColourBar

_HATCH = 8


def bar_pixels(bar: ColourBar, width: int = 640, height: int = 32, point: int = 20) -> NDArray[np.uint8]:
    """Draw a bar from low to high, left to right.

    Parameters
    ----------
    bar
        Its range and colours; only an end beyond which there are cells is pointed.
    width, height
        Of the picture.
    point
        Width of the place kept for a point at either end.

    Returns
    -------
    RGBA, ``(height, width, 4)``; transparent where nothing is drawn.
    """
    rgb_n3 = (to_rgb(bar.colours) * 255).round().astype(np.uint8)
    pixels_yxc = np.zeros((height, width, 4), np.uint8)
    inner = width - 2 * point
    pixels_yxc[:, point : width - point, :3] = rgb_n3[
        np.linspace(0, len(rgb_n3) - 1, inner).round().astype(int)
    ]
    pixels_yxc[:, point : width - point, 3] = 255
    if bar.below:
        _point(pixels_yxc[:, point - 1 :: -1], rgb_n3[0])
    if bar.above:
        _point(pixels_yxc[:, width - point :], rgb_n3[-1])
    return pixels_yxc


def _point(pixels_yxc: NDArray[np.uint8], rgb_3: NDArray[np.uint8]) -> None:
    """Draw a point that narrows to the right, hatched: what lies there is drawn in the colour of the end."""
    height, width = pixels_yxc.shape[:2]
    y, x = np.mgrid[:height, :width]
    inside = np.abs(y + 0.5 - height / 2) <= height / 2 * (1 - (x + 0.5) / width)
    light = rgb_3 @ np.array([0.299, 0.587, 0.114]) > 128
    hatch = (x + y) % _HATCH < _HATCH // 4
    pixels_yxc[inside, :3] = rgb_3
    pixels_yxc[inside & hatch, :3] = 0 if light else 255
    pixels_yxc[inside, 3] = 255
