"""Pictures of cells: the tissue and the embedding, from the raster and the colours of the window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import DataError
from glasscell.figure.key import draw_key, draw_scale
from glasscell.figure.page import MUTED, add_title, bare, new_sheet, plain_style, title_inches
from glasscell.views.colour import Colouring, ColourTable, colour_table, plain_table
from glasscell.views.picture import resolve_tissue
from glasscell.views.raster import CellRaster, Viewport, stamp_discs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from glasscell.data.channel import CellValues
    from glasscell.data.dataset import Dataset

PIXELS = 1600
_SIDE, _KEY, _GAP = 5.2, 1.9, 0.12


@dataclass(frozen=True, eq=False)
class CellLook:
    """How cells are coloured.

    Parameters
    ----------
    values
        The channel; None draws every cell alike.
    selected
        Cells that stand out, ``(n_cells,)``; the others are grey context. None for all.
    colouring
        Limits, palette and hidden categories; None for automatic ones. Give the same limits to pictures that
        are meant to be compared.
    """

    values: CellValues | None = None
    selected: NDArray[np.bool_] | None = None
    colouring: Colouring | None = None

    def table(self, n_cells: int) -> ColourTable:
        """Return the colour of every cell on white paper."""
        if self.values is None:
            return plain_table(n_cells, self.selected, "light")
        if len(self.values) != n_cells:
            raise DataError(f"{len(self.values)} values for {n_cells} cells: take those of this dataset.")
        return colour_table(self.values, self.selected, self.colouring, "light")


def tissue_figure(
    dataset: Dataset, look: CellLook | None = None, *, image: bool = True, plane: int | None = None
) -> Figure:
    """Draw the cells in their places, with legend or colour bar, scale bar, and the photograph below.

    Parameters
    ----------
    dataset
        Must have positions.
    look
        Colours; every cell alike without it.
    image
        Whether the first photograph of each section lies below the cells.
    plane
        Number of one plane of a three-dimensional tissue; None for all.

    Raises
    ------
    DataError
        The cells have no positions, or the colours are of other cells.
    """
    look = CellLook() if look is None else look
    picture = resolve_tissue(dataset)
    if picture is None:
        raise DataError(f"These {dataset.observations} have no positions: draw the embedding instead.")
    picture = picture.at_plane(plane)
    raster = picture.raster(picture.overview(PIXELS))
    sheet, axes, table = _cells(look, dataset.n_cells, raster, _note(dataset, look))
    axes.set_aspect("equal", adjustable="box", anchor="NW")
    if image:
        for section in picture.sections:
            for photograph in [one for one in section.images if one.rgb][:1]:
                _draw_photograph(axes, photograph)
    draw_scale(axes, raster.viewport, picture.unit, picture.microns_per_unit)
    _finish(sheet, look, table, dataset)
    return sheet


def embedding_figure(
    dataset: Dataset,
    look: CellLook | None = None,
    *,
    key: str | None = None,
    components: tuple[int, int] = (0, 1),
) -> Figure:
    """Draw the cells on two components of an embedding.

    Parameters
    ----------
    key
        One of ``dataset.embeddings``; the first UMAP, else the first one, without it.
    components
        Which two of its columns, from 0.

    Raises
    ------
    DataError
        There is no such embedding or component.
    """
    look = CellLook() if look is None else look
    known = tuple(dataset.embeddings)
    if not known:
        raise DataError("There is no embedding yet: run glasscell prepare first.")
    key = key or next((name for name in known if "umap" in name.lower()), known[0])
    if key not in known:
        raise DataError(f"There is no embedding {key!r}; there are {', '.join(known)}.")
    table_cz = np.asarray(dataset.embeddings[key])
    if not all(0 <= component < table_cz.shape[1] for component in components):
        raise DataError(f"{key} has {table_cz.shape[1]} components, counted from 0.")
    positions_cd = np.ascontiguousarray(table_cz[:, list(components)], np.float64)
    positions_cd[:, 1] *= -1  # pixel rows run down, components up
    raster = _stamp(positions_cd)
    sheet, axes, table = _cells(look, dataset.n_cells, raster, _note(dataset, look))
    name = key.removeprefix("X_")
    axes.set_xlabel(f"{name} {components[0] + 1}", loc="left", color=MUTED)
    axes.set_ylabel(f"{name} {components[1] + 1}", loc="bottom", color=MUTED)
    _finish(sheet, look, table, dataset)
    return sheet


def _stamp(positions_cd: NDArray[np.float64]) -> CellRaster:
    known = np.isfinite(positions_cd).all(axis=1)
    if not known.any():
        raise DataError("No cell has a place in this embedding: choose another one.")
    low, high = positions_cd[known].min(axis=0), positions_cd[known].max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    radius = float(np.clip(PIXELS * 0.45 / np.sqrt(known.sum()), 1.5, 14.0))
    rim = span * (radius + 4) / PIXELS
    pixel = (span + 2 * rim) / PIXELS
    start = low - rim + pixel / 2
    viewport = Viewport(
        float(start[0]), float(start[1]), float(pixel[0]), PIXELS, PIXELS, float(pixel[1] / pixel[0])
    )
    return stamp_discs(positions_cd, radius * viewport.pixel, viewport)


def _cells(look: CellLook, n_cells: int, raster: CellRaster, note: str) -> tuple[Figure, Axes, ColourTable]:
    """Lay out a sheet for a raster and paint it."""
    table = look.table(n_cells)
    view = raster.viewport
    shape = view.height * view.stretch / view.width if view.stretch == 1 else 1.0
    wide = _SIDE if shape <= 1 else max(_SIDE / shape, 1.6)
    tall = max(wide * shape, 1.2)
    top = title_inches(note)
    width, height = wide + _KEY + 3 * _GAP + 0.12, max(tall, 2.4) + top + 0.36
    with plain_style():
        sheet = new_sheet(width, height)
        box = (
            (_GAP + 0.12) / width,
            1 - (top + tall) / height,
            wide / width,
            tall / height,
        )
        axes = sheet.add_axes(box)
        x0, y0, x1, y1 = view.bounds
        axes.imshow(
            raster.paint(table.table_u32),
            extent=(x0, x1, y1, y0),
            interpolation="none",
            aspect="auto",
            zorder=2,
        )
        axes.set_xlim(x0, x1)
        axes.set_ylim(y1, y0)
        bare(axes)
    return sheet, axes, table


def _finish(sheet: Figure, look: CellLook, table: ColourTable, dataset: Dataset) -> None:
    """Write title, note and key."""
    title = dataset.observations if look.values is None else look.values.title
    note = _note(dataset, look)
    width, height = sheet.get_size_inches()
    top = title_inches(note)
    with plain_style():
        add_title(sheet, title, note)
        key = sheet.add_axes(
            ((width - _KEY - _GAP) / width, 0.1 / height, _KEY / width, 1 - (top + 0.1) / height)
        )
        bare(key)
        draw_key(key, table, _n_context(look), dataset.observations)


def _note(dataset: Dataset, look: CellLook) -> str:
    n_selected = dataset.n_cells if look.selected is None else int(look.selected.sum())
    parts = (
        [f"{n_selected:,} of {dataset.n_cells:,} {dataset.observations} selected"] if _n_context(look) else []
    )
    if look.values is not None and look.values.note:
        parts.append(look.values.note)
    return "; ".join(parts)


def _n_context(look: CellLook) -> int:
    return 0 if look.selected is None else int((~look.selected).sum())


def _draw_photograph(axes: Axes, photograph: Any) -> None:
    """Draw the coarsest level that is still sharp enough, below the cells."""
    levels = photograph.levels_yxc
    place = max((n for n, level in enumerate(levels) if max(level.shape[:2]) >= PIXELS), default=0)
    step = max(max(levels[place].shape[:2]) // (2 * PIXELS), 1)
    pixels_yxc = np.asarray(levels[place][::step, ::step, :3])
    if pixels_yxc.dtype.kind == "f":
        pixels_yxc = np.clip(pixels_yxc, 0, 1)
    elif pixels_yxc.dtype != np.uint8:
        top = np.iinfo(pixels_yxc.dtype).max
        pixels_yxc = (pixels_yxc.astype(np.float32) * (255.0 / top)).clip(0, 255).astype(np.uint8)
    extent = photograph.extent
    limits = axes.get_xlim(), axes.get_ylim()
    axes.imshow(
        pixels_yxc,
        extent=(extent.x0, extent.x1, extent.y1, extent.y0),
        interpolation="none",
        aspect="auto",
        zorder=1,
    )
    axes.set_xlim(limits[0])
    axes.set_ylim(limits[1])
    axes.set_aspect("equal", adjustable="box", anchor="NW")
