"""Pictures of cells: the tissue and the embedding, from the raster and the colours of the window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import DataError
from glasscell.figure.key import draw_key, draw_scale
from glasscell.figure.page import MUTED, add_title, bare, elide, new_sheet, plain_style, title_inches
from glasscell.figure.photograph import draw_photographs, look_along, photograph_words, place
from glasscell.figure.point import draw_points, draw_words
from glasscell.views.colour import Colouring, ColourTable, colour_table, plain_table
from glasscell.views.picture import resolve_tissue
from glasscell.views.raster import CellRaster, Viewport, stamp_discs
from glasscell.views.sight import Sight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from glasscell.data.channel import CellValues
    from glasscell.data.dataset import Dataset
    from glasscell.views.picture import TissuePicture

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
    dataset: Dataset, look: CellLook | None = None, *, image: bool = True, sight: Sight | None = None
) -> Figure:
    """Draw the cells in their places, with legend or colour bar, scale bar, and the pictures below.

    Parameters
    ----------
    dataset
        Must have positions.
    look
        Colours; every cell alike without it.
    image
        Whether pictures lie below the cells: photographs, and channels as coloured light.
    sight
        Plane, turn and channels; what a window shows at first without it.

    Raises
    ------
    DataError
        The cells have no positions, or the colours are of other cells.
    """
    look, sight = look or CellLook(), sight or Sight()
    picture = resolve_tissue(dataset)
    if picture is None:
        raise DataError(f"These {dataset.observations} have no positions: draw the embedding instead.")
    picture = picture.at_plane(sight.plane)
    raster = picture.raster(picture.overview(PIXELS))
    notes = [_note(dataset, look), _height(picture), *draw_words(picture, sight)]
    notes += photograph_words(picture, sight) if image else []
    sheet, axes, table = _cells(look, dataset.n_cells, raster, notes, sight)
    axes.set_aspect("equal", adjustable="box", anchor="NW")
    if image:
        draw_photographs(axes, picture, sight, PIXELS)
    draw_points(axes, picture, sight)
    draw_scale(axes, picture.unit, picture.microns_per_unit)
    _finish(sheet, look, table, dataset, notes)
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
    name = key.removeprefix("X_")
    names = (f"{name} {components[0] + 1}", f"{name} {components[1] + 1}")
    return axes_figure(dataset, table_cz[:, list(components)], names, look)


def axes_figure(
    dataset: Dataset,
    positions_cd: NDArray[Any],
    names: tuple[str, str],
    look: CellLook | None = None,
    *,
    numbers: bool = False,
) -> Figure:
    """Draw the cells on any two axes.

    Parameters
    ----------
    positions_cd
        Across and up, ``(n_cells, 2)``; NaN for a cell without a place.
    names
        Of the axes, with units.
    look
        Colours; every cell alike without it.
    numbers
        Whether the axes mean something, and so have ticks.

    Raises
    ------
    DataError
        No cell has a place, or the colours are of other cells.
    """
    look = look or CellLook()
    flipped_cd = np.array(positions_cd, np.float64)
    flipped_cd[:, 1] *= -1  # pixel rows run down, axes up
    raster, notes = stamp_axes(flipped_cd), [_note(dataset, look)]
    sheet, axes, table = _cells(look, dataset.n_cells, raster, notes, Sight(), ticks=numbers)
    axes.set_xlabel(elide(names[0], 60), loc="left", color=MUTED)
    axes.set_ylabel(elide(names[1], 60), loc="bottom", color=MUTED)
    if numbers:
        _show_ticks(axes)
    _finish(sheet, look, table, dataset, notes)
    return sheet


def _show_ticks(axes: Axes) -> None:
    """Show numbers on the axes; those that run up are stored upside down."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    for axis, sign in ((axes.xaxis, 1), (axes.yaxis, -1)):
        axis.set_major_locator(MaxNLocator(5))
        axis.set_major_formatter(FuncFormatter(lambda value, _, sign=sign: f"{sign * value + 0.0:g}"))
    axes.tick_params(length=2, width=0.6, colors=MUTED)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(True)


def stamp_axes(positions_cd: NDArray[np.float64]) -> CellRaster:
    """Draw cells as discs on axes, so large that there is room for all; rows run down."""
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


def _cells(
    look: CellLook,
    n_cells: int,
    raster: CellRaster,
    notes: Sequence[str],
    sight: Sight,
    *,
    ticks: bool = False,
) -> tuple[Figure, Axes, ColourTable]:
    """Lay out a sheet for a raster and paint it."""
    table = look.table(n_cells)
    view = raster.viewport
    shape = view.height * view.stretch / view.width if view.stretch == 1 else 1.0
    shape = 1 / shape if sight.turned else shape
    wide = _SIDE if shape <= 1 else max(_SIDE / shape, 1.6)
    tall = max(wide * shape, 1.2)
    top, margin = title_inches(_said(notes)), 0.3 if ticks else 0.0
    width, height = wide + _KEY + 3 * _GAP + 0.12 + margin, max(tall, 2.4) + top + 0.36 + margin
    with plain_style():
        sheet = new_sheet(width, height)
        box = (
            (_GAP + 0.12 + margin) / width,
            1 - (top + tall) / height,
            wide / width,
            tall / height,
        )
        axes = sheet.add_axes(box)
        look_along(axes, view.bounds, sight)
        if sight.cells > 0:
            place(axes, raster.paint(table.table_u32), view.bounds, sight, zorder=2, alpha=sight.cells)
        bare(axes)
    return sheet, axes, table


def _finish(
    sheet: Figure, look: CellLook, table: ColourTable, dataset: Dataset, notes: Sequence[str]
) -> None:
    """Write title, note and key."""
    title, note = dataset.observations if look.values is None else look.values.title, _said(notes)
    width, height = sheet.get_size_inches()
    top = title_inches(note)
    with plain_style():
        add_title(sheet, title, note)
        key = sheet.add_axes(
            ((width - _KEY - _GAP) / width, 0.1 / height, _KEY / width, 1 - (top + 0.1) / height)
        )
        bare(key)
        draw_key(key, table, _n_context(look), dataset.observations)


def _said(notes: Sequence[str]) -> str:
    return "; ".join(note for note in notes if note)


def _height(picture: TissuePicture) -> str:
    if picture.plane is None:
        return "all planes" if len(picture.heights) > 1 else ""
    return f"z = {picture.heights[picture.plane]:,.4g}{' µm' if picture.unit == 'um' else ''}"


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
