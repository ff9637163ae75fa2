"""Cells handed to napari as layers of its own, with what is known of each cell as features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import DataError
from glasscell.session.resolve import Ready
from glasscell.views.picture import fit_viewport

if TYPE_CHECKING:
    import pandas as pd
    from napari.layers import Labels, Points
    from numpy.typing import NDArray

    from glasscell.data.channel import CellValues
    from glasscell.plugin.desk import Desk
    from glasscell.session import Session
    from glasscell.views.picture import TissuePicture

#: Longer side of a Labels layer of cells that have no mask, in pixels.
LABEL_PIXELS = 4096


def send_points(desk: Desk) -> Points:
    """Add the selected cells to the viewer as points, in their present colours.

    Their features are the name of the cell, every obs column and the values they are coloured by.

    Raises
    ------
    DataError
        There is nothing to send.
    """
    picture, chosen_c = _chosen(desk)
    chosen_c &= np.isfinite(picture.positions_cd).all(axis=1)
    cells = np.flatnonzero(chosen_c)
    _need(cells)
    canvas, table_u32 = desk.tissue.canvas, desk.tissue.cells.table_u32
    colours: Any = "white"
    if table_u32 is not None:
        colours = table_u32[cells + 1].view(np.uint8).reshape(-1, 4).astype(np.float32) / 255
    return desk.viewer.add_points(
        picture.positions_cd[cells][:, ::-1],
        name=_name(desk, len(cells)),
        features=cell_features(desk.session, cells),
        size=2 * picture.radius_c[cells],
        face_color=colours,
        border_width=0,
        affine=canvas.affine((1.0, 1.0), (0.0, 0.0)),
        units=canvas.units,
    )


def send_labels(desk: Desk) -> tuple[Labels, ...]:
    """Add the selected cells to the viewer as labels: the cell's number in the table, counted from 1.

    Masks keep their pixels, one layer each; cells without a mask are drawn as on the canvas, the longer side
    of the tissue being 4,096 pixels.

    Raises
    ------
    DataError
        There is nothing to send.
    """
    picture, chosen_c = _chosen(desk)
    canvas, layers = desk.tissue.canvas, []
    numbers = np.concatenate([[0], np.where(chosen_c, np.arange(1, len(chosen_c) + 1), 0)]).astype(np.int32)
    grids = [(numbers[mask.cells + 1][mask.labels_yx], mask.scale, mask.translate) for mask in picture.masks]
    if not grids:
        raster = picture.raster(fit_viewport(picture.bounds, LABEL_PIXELS))
        port = raster.viewport
        grids = [(numbers[raster.ids_yx], (port.pixel, port.pixel_y), (port.x, port.y))]
    drawn = [np.unique(labels_yx[labels_yx > 0]) for labels_yx, _, _ in grids]
    _need(np.concatenate(drawn))
    for (labels_yx, scale, translate), present in zip(grids, drawn, strict=True):
        if len(present):
            features = cell_features(desk.session, present - 1)
            features.insert(0, "index", present)
            layers.append(
                desk.viewer.add_labels(
                    labels_yx,
                    name=_name(desk, len(present)),
                    features=features,
                    affine=canvas.affine(scale, translate),
                    units=canvas.units,
                )
            )
    return tuple(layers)


def cell_features(session: Session, cells: NDArray[np.integer[Any]]) -> pd.DataFrame:
    """Put what is known of cells into one table: name, obs columns, and the values they are coloured by."""
    import pandas as pd

    dataset = session.dataset
    if dataset is None:
        raise DataError("No data are open. Open a file first.")
    known: dict[str, Any] = {"cell": dataset.cell_names[cells]}
    for column in dataset.obs.columns:
        if str(column) not in ("cell", "index"):
            known[str(column)] = dataset.obs[column].iloc[cells].to_numpy()
    channel = session.state.colouring.channel
    resolved = None if channel is None else session.resolve(channel)
    if isinstance(resolved, Ready):
        title, column = _plain(resolved)
        known[title] = column[cells]
    return pd.DataFrame(known)


def _plain(resolved: Ready) -> tuple[str, NDArray[Any]]:
    """Return the title of a column and its numbers or names; the name of a missing category is empty."""
    shown: CellValues = resolved.values  # noqa: PD011 - no pandas
    if shown.codes is None:
        return shown.title, np.asarray(shown.values)
    return shown.title, np.array([*shown.categories, ""], dtype=object)[np.asarray(shown.codes)]


def _chosen(desk: Desk) -> tuple[TissuePicture, NDArray[np.bool_]]:
    picture = desk.tissue.picture
    if picture is None or not picture.n_cells:
        raise DataError(
            "There are no cells on the tissue to send. Open a file of cells with positions first."
        )
    chosen_c = desk.session.mask().copy()
    return picture, chosen_c if picture.shown_c is None else chosen_c & picture.shown_c


def _need(cells: NDArray[Any]) -> None:
    if not len(cells):
        raise DataError("No cells are selected where something is drawn. Draw a wider outline.")


def _name(desk: Desk, number: int) -> str:
    words = "cells" if desk.session.dataset is None else desk.session.dataset.observations
    return f"{number:,} {words}"
