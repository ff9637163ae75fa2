"""The tissue and the session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glasscell.data.selection import Cells, Everything, Lasso, Selection
from glasscell.session.rules import label_columns
from glasscell.views.picture import resolve_tissue
from glasscell.views.presenter import PaintingPresenter, combine
from glasscell.views.view import TissueView

if TYPE_CHECKING:
    from typing import Any

    from glasscell.data.channel import CellValues
    from glasscell.session import Session, State
    from glasscell.views.paint import Paint
    from glasscell.views.picture import TissuePicture


class TissuePresenter(PaintingPresenter[TissueView]):
    """Show the cells in their places; take hovering and lassos."""

    def __init__(self, session: Session, view: TissueView) -> None:
        super().__init__(session, view)
        self._values: CellValues | None = None
        self._whole: TissuePicture | None = None
        self._shown: TissuePicture | None = None
        self.listen(session.hovered, self._on_hovered)
        self.listen(view.cell_hovered, session.hover)
        self.listen(view.selection_drawn, self._on_drawn)
        self.listen(view.selection_cleared, self._on_cleared)
        self.listen(view.plane_requested, self._on_plane)
        self._show_picture()
        self.repaint()

    def show_paint(self, painted: Paint | None) -> None:
        """Recolour."""
        self._values = None if painted is None else painted.values
        if painted is not None and painted.table is not None:
            self.view.set_colours(painted.table.table_u32)
        self._show_caption()

    def show_stale(self, stale: bool) -> None:
        """Mark the colours as old."""
        self.view.set_stale(stale)

    def _on_changed(self, new: State, old: State) -> None:
        if new.dataset != old.dataset:
            self._show_picture()
        elif new.colouring.channel != old.colouring.channel:
            self.view.set_gene(self._gene())
        super()._on_changed(new, old)

    def _show_picture(self) -> None:
        dataset = self.session.dataset
        with self.spoken("Drawing the tissue"):
            self._whole = self._shown = None if dataset is None else resolve_tissue(dataset)
            self.view.set_picture(self._shown)
            self.view.set_gene(self._gene())
        self._show_caption()

    def _on_plane(self, plane: int | None) -> None:
        if self._whole is not None:
            self._shown = self._whole.at_plane(plane)
            self.view.set_plane(self._shown)
            self._show_caption()

    def _gene(self) -> str | None:
        """Symbol of the gene that colours the cells."""
        channel, dataset = self.session.state.colouring.channel, self.session.dataset
        if channel is None or channel.kind != "gene" or dataset is None or channel.key not in dataset.genes:
            return None
        return str(dataset.genes.symbols[dataset.genes.index(channel.key)])

    def _on_hovered(self, cell: int | None) -> None:
        self.view.set_hovered(cell)
        self._show_caption()

    def _on_drawn(self, vertices: Any, mode: str) -> None:
        with self.spoken("Selecting"):
            drawn: Selection = Lasso("tissue", tuple(map(tuple, vertices)))
            if self._shown is not None and self._shown.shown_c is not None:  # what is not shown is not meant
                drawn = drawn & Cells(np.flatnonzero(self._shown.shown_c).astype(np.int32))
            self.session.update(selection=combine(self.session.state.selection, drawn, mode))

    def _on_cleared(self) -> None:
        self.session.update(selection=Everything())

    def _show_caption(self) -> None:
        dataset, cell = self.session.dataset, self.session.hovered_cell
        if dataset is None:
            self.view.set_caption(self.view.open_data)
        elif cell is not None and cell < dataset.n_cells:
            self.view.set_caption(describe_cell(self.session, cell, self._values))
        elif dataset.positions_cd is None:
            self.view.set_caption(f"These {dataset.observations} have no positions: see the embedding.")
        else:
            points = "" if self._shown is None else describe_points(self._shown, self._gene())
            self.view.set_caption(describe_selection(self.session) or points)


def describe_cell(session: Session, cell: int, values: CellValues | None) -> str:
    """Say which cell it is, its value, and its label."""
    dataset = session.dataset
    if dataset is None:
        return ""
    words = [str(dataset.cell_names[cell])]
    if values is not None and cell < len(values):
        words.append(f"{values.title}: {values.text(cell)}")
    for column in label_columns(session.facts)[:1]:
        if values is None or values.title != column:
            label = dataset.obs[column].iloc[cell]
            words.append(f"{column}: {'none' if label != label else label}")
    return "   ".join(words)


def describe_selection(session: Session) -> str:
    """Say how many cells are selected, nothing when it is all of them."""
    dataset = session.dataset
    if dataset is None or not dataset.n_cells or isinstance(session.state.selection, Everything):
        return ""
    chosen = int(session.mask().sum())
    return f"{chosen:,} of {dataset.n_cells:,} {dataset.observations} selected"


def describe_points(picture: TissuePicture, gene: str | None = None) -> str:
    """Say which plane is shown and how many of the first points; nothing when there is neither."""
    words = []
    if picture.plane is not None:
        unit = " µm" if picture.unit == "um" else ""
        words.append(f"z = {picture.heights[picture.plane]:,.4g}{unit}")
    if picture.points:
        points, shown = picture.points[0], picture.shown_points(gene)[0]
        told = points.told(int(shown.sum()))
        if len(points) < points.total and not shown.all():
            told += f" ({len(points):,} were drawn at random)"
        words.append(told if gene is None or not points.genes else f"{gene}: {told}")
    return "   ".join(words)
