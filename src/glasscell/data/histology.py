"""The colour of the tissue's picture under each cell, as one more coordinate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from glasscell.errors import DataError

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset
    from glasscell.data.tissue import TissueImage, TissueSection

Floats = NDArray[np.float64]
#: A picture is read at its coarsest level on which a cell still spans so many pixels.
LEAST_PIXELS = 3


def histology_height(dataset: Dataset) -> Floats:
    """Turn the colour under each cell into a length, section by section.

    The channels' means over a square as wide as the cell or spot are averaged, each weighted by its variance
    over cells; the result is standardised and multiplied by the larger standard deviation of x and y, so that
    a picture counts about as much as a place. Cells without a picture lie at 0, the mean.

    Returns
    -------
    In the unit of the positions, ``(n_cells,)``.

    Raises
    ------
    DataError
        There are no positions, or there is no picture of any section.

    References
    ----------
    Hu et al. 2021, doi:10.1038/s41592-021-01255-8, methods.
    """
    positions_cd = dataset.positions_cd
    if positions_cd is None:
        raise DataError("Nothing says where cells lie: open a file with coordinates.")
    height_c, seen = np.zeros(dataset.n_cells), False
    codes, names = np.asarray(dataset.sections.codes), dataset.sections.names
    for code, name in enumerate(names):
        section = dataset.tissue.section(str(name))
        own = np.flatnonzero((codes == code) & np.isfinite(positions_cd).all(axis=1))
        if section is None or not section.images or len(own) < 2:
            continue
        colour_cn = _colours(section.images[0], positions_cd[own], _width(section, positions_cd[own]))
        height_c[own] = _height(colour_cn) * float(positions_cd[own].std(axis=0).max())
        seen = True
    if not seen:
        raise DataError("This file holds no picture of the tissue: set histology to 0.")
    return height_c


def _height(colour_cn: Floats) -> Floats:
    """Return one standardised number per cell; 0 where the colour is unknown."""
    known = np.isfinite(colour_cn).all(axis=1)
    if known.sum() < 2:
        return np.zeros(len(colour_cn))
    weight_n = colour_cn[known].var(axis=0)
    if weight_n.sum() <= 0:
        return np.zeros(len(colour_cn))
    one_c = colour_cn @ (weight_n / weight_n.sum())
    one_c = (one_c - one_c[known].mean()) / one_c[known].std()
    return np.where(known, one_c, 0.0)


def _width(section: TissueSection, positions_cd: Floats) -> float:
    """Return how wide a cell is: its diameter, else the distance between nearest cells."""
    if section.radius > 0:
        return 2 * section.radius
    from scipy.spatial import cKDTree

    apart = cKDTree(positions_cd).query(positions_cd, k=2)[0][:, 1]
    return float(np.median(apart))


def _colours(image: TissueImage, positions_cd: Floats, width: float) -> Floats:
    """Return the mean of each channel over a square around each cell, NaN outside, ``(n, channels)``."""
    level = _level(image, width)
    pixels_yxc = np.asarray(image.levels_yxc[level])
    if pixels_yxc.ndim == 2:
        pixels_yxc = pixels_yxc[:, :, None]
    if image.rgb:
        pixels_yxc = pixels_yxc[:, :, :3]
    scale, start = image.level_scale(level), image.level_translate(level)
    height, wide, n_channels = pixels_yxc.shape
    total_yxc = np.zeros((height + 1, wide + 1, n_channels))
    total_yxc[1:, 1:] = pixels_yxc.cumsum(axis=0, dtype=np.float64).cumsum(axis=1)
    low_x, high_x = _span(positions_cd[:, 0], start[0], scale[0], width, wide)
    low_y, high_y = _span(positions_cd[:, 1], start[1], scale[1], width, height)
    area = (high_x - low_x) * (high_y - low_y)
    total_cn = (
        total_yxc[high_y, high_x]
        - total_yxc[low_y, high_x]
        - total_yxc[high_y, low_x]
        + total_yxc[low_y, low_x]
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where((area > 0)[:, None], total_cn / area[:, None], np.nan))


def _level(image: TissueImage, width: float) -> int:
    """Choose the coarsest level on which a cell still spans a few pixels."""
    spans = [width / max(image.level_scale(level)) for level in range(len(image.levels_yxc))]
    wide_enough = [level for level, span in enumerate(spans) if span >= LEAST_PIXELS]
    return wide_enough[-1] if wide_enough else 0


def _span(place: Floats, start: float, scale: float, width: float, size: int) -> tuple[Any, Any]:
    """Return first and last pixel (not included) of a square along one axis, within the picture."""
    middle = (place - start) / scale  # pixel centres are whole numbers
    low = np.ceil(middle - width / scale / 2).astype(np.int64)
    high = np.maximum(np.floor(middle + width / scale / 2).astype(np.int64), low) + 1
    return np.clip(low, 0, size), np.clip(high, 0, size)
