"""What every view can show and which wishes it can utter, for every toolkit.

A view holds a widget and never decides anything: ``set_*`` methods draw and never emit, the signals
(*intents*) say what the user did.  A presenter is the only thing wired to both a session and a view.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from glasscell.views.row import CellGeneRow, Curve, JobRow, MethodRow, MetricRow, RankingRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from glasscell.explain.check import Check
    from glasscell.explain.perturbation.arrow import Arrows
    from glasscell.views.colour import ColourBar, Legend
    from glasscell.views.form import FieldSpec
    from glasscell.views.node_table import NodePicture
    from glasscell.views.picture import TissuePicture
    from glasscell.views.search import Hit

__all__ = [
    "AttributionView",
    "CellGeneRow",
    "ColourView",
    "Curve",
    "EmbeddingView",
    "JobRow",
    "JobView",
    "MethodRow",
    "MetricRow",
    "PrepareView",
    "RankingRow",
    "TissueView",
    "View",
]


class View(ABC):  # noqa: B024 - its kinds have abstract methods of their own
    """What all views are: something drawn by a toolkit, holding its widget in ``self.widget``."""

    widget: Any = None
    theme: str = "dark"  # of the ground colours are drawn on; "light" is the other one
    theme_changed = Signal()
    #: What to do where nothing is open.
    open_data: str = "Open data: drop a file here, or choose File > Open Sample > Glasscell."


class TissueView(View):
    """The tissue: images, and every cell in its colour at its place.

    ``selection_drawn(vertices_vd, mode)`` carries a closed outline ``(n_vertices, 2)`` of (x, y) in the
    units of the dataset's positions, and one of ``replace``, ``add``, ``subtract``, ``intersect``.
    """

    cell_hovered = Signal(object)  # cell index, or None off the cells
    selection_drawn = Signal(object, str)
    selection_cleared = Signal()
    plane_requested = Signal(object)  # number of a plane in z, or None for all of them

    @abstractmethod
    def set_picture(self, picture: TissuePicture | None) -> None:
        """Draw another tissue; None empties the canvas."""

    def set_plane(self, picture: TissuePicture) -> None:
        """Draw another plane of the same tissue; the camera stays."""
        self.set_picture(picture)

    def set_gene(self, gene: str | None) -> None:
        """Show the transcripts of one gene only; None for those of all."""

    @abstractmethod
    def set_colours(self, table_u32: NDArray[np.uint32]) -> None:
        """Recolour: entry 0 is the background, entry ``i + 1`` is cell ``i``, little-endian RGBA."""

    @abstractmethod
    def set_hovered(self, cell: int | None) -> None:
        """Mark one cell, or none."""

    @abstractmethod
    def set_caption(self, text: str) -> None:
        """Show one line about the hovered cell, or what to do when there is nothing to see."""

    @abstractmethod
    def set_stale(self, stale: bool) -> None:
        """Mark the colours as belonging to the previous question while the next is computed."""


class EmbeddingView(View):
    """A scatter of the cells on two axes, with the same intents as the tissue."""

    axes_requested = Signal(str)  # one of the names given to set_choices
    axis_names_requested = Signal(str, str)  # two typed names (genes, columns): x and y
    cell_hovered = Signal(object)
    selection_drawn = Signal(object, str)  # outline in the units of the axes
    selection_cleared = Signal()

    @abstractmethod
    def set_choices(self, names: Sequence[str], current: str | None) -> None:
        """Offer these embeddings, the current one chosen."""

    @abstractmethod
    def set_positions(self, positions_cd: NDArray[np.float64] | None, x_label: str, y_label: str) -> None:
        """Place the cells, shape ``(n_cells, 2)``; NaN rows are not drawn; None empties the plot."""

    @abstractmethod
    def set_colours(self, table_u32: NDArray[np.uint32]) -> None:
        """Recolour: entry 0 is the background, entry ``i + 1`` is cell ``i``, little-endian RGBA."""

    @abstractmethod
    def set_hovered(self, cell: int | None) -> None:
        """Mark one cell, or none."""

    @abstractmethod
    def set_stale(self, stale: bool) -> None:
        """Mark the colours as belonging to the previous question."""

    @abstractmethod
    def set_message(self, text: str) -> None:
        """Say in the middle of the plot why it is empty; an empty string hides the sentence."""

    @abstractmethod
    def set_arrows(self, arrows: Arrows | None) -> None:
        """Draw where cells go, with what the arrows mean below; None draws none."""


class ColourView(View):
    """One search box over everything a cell can be coloured by, with legend and colour bar."""

    query_typed = Signal(str)
    channel_requested = Signal(object)  # ChannelRef
    limits_requested = Signal(object)  # (low, high), or None for automatic
    category_toggled = Signal(str, bool)  # name, shown
    category_recoloured = Signal(str, str)  # name, #rrggbb

    @abstractmethod
    def set_hits(self, hits: Sequence[Hit]) -> None:
        """List what matches the typed query, best first."""

    @abstractmethod
    def set_legend(self, legend: Legend | None) -> None:
        """Show the categories with colours and counts; None when the colour is a number."""

    @abstractmethod
    def set_colour_bar(self, bar: ColourBar | None) -> None:
        """Show the range with its unit; None when the colour is a category."""

    @abstractmethod
    def set_title(self, text: str) -> None:
        """Name what the cells are coloured by."""

    @abstractmethod
    def set_message(self, text: str) -> None:
        """Say what is missing or marked (computing, failed, held out or not); empty hides it."""


class PrepareView(View):
    """The opening report and the preparation form."""

    run_requested = Signal(dict)  # name -> value of PrepareParams
    open_requested = Signal(object)  # Path, or several of them
    choice_requested = Signal(str, str)  # "counts" or "genes", and what was chosen
    save_requested = Signal(object)  # Path

    @abstractmethod
    def set_form(self, fields: Sequence[FieldSpec]) -> None:
        """Show these parameters at their defaults."""

    @abstractmethod
    def set_report(self, text: str) -> None:
        """Show the dataset in one sentence, or ask for one to be opened."""

    @abstractmethod
    def set_choices(self, counts: Sequence[str], genes: Sequence[str], chosen: tuple[str, str]) -> None:
        """Offer the matrices that hold counts and the names genes can be called by; empty hides both."""

    @abstractmethod
    def set_enabled(self, enabled: bool, reason: str) -> None:
        """Allow running, or grey it out and say why."""


class AttributionView(View):
    """Choose target, method and baseline; see the ranked genes with their evidence.

    ``explain_requested`` carries ``{"target": str, "method": str, "baseline": str, "cells": "class" |
    "selection" | "all", "params": dict}``.
    """

    explain_requested = Signal(dict)
    cancel_requested = Signal()
    method_chosen = Signal(str)  # method id, to show its form
    gene_clicked = Signal(str)
    nodes_requested = Signal()  # train control networks and measure named nodes
    node_class_chosen = Signal(str)
    node_clicked = Signal(str)

    @abstractmethod
    def set_targets(self, names: Sequence[str]) -> None:
        """Offer these targets, written as ``class:L5``."""

    @abstractmethod
    def set_methods(self, rows: Sequence[MethodRow]) -> None:
        """Offer these methods; one with a reason is greyed out and says why."""

    @abstractmethod
    def set_baselines(self, names: Sequence[str]) -> None:
        """Offer these baselines, the default first."""

    @abstractmethod
    def set_form(self, fields: Sequence[FieldSpec]) -> None:
        """Show the method's parameters at their defaults."""

    @abstractmethod
    def set_ranking(self, rows: Sequence[RankingRow] | None, message: str) -> None:
        """Show ranked genes with every evidence column; None shows the message alone."""

    @abstractmethod
    def set_checks(self, checks: Sequence[Check]) -> None:
        """Show the checks of the explanation with their verdicts."""

    @abstractmethod
    def set_nodes_offer(self, enabled: bool, reason: str) -> None:
        """Allow measuring nodes, or grey it out and say why."""

    @abstractmethod
    def set_nodes(self, picture: NodePicture | None) -> None:
        """Show named nodes with their evidence; None hides that part."""

    @abstractmethod
    def set_cell_genes(self, title: str, rows: Sequence[CellGeneRow]) -> None:
        """Show the hovered cell's own genes; no rows hides them."""

    @abstractmethod
    def set_busy(self, busy: bool) -> None:
        """While busy offer cancel in place of explaining."""

    @abstractmethod
    def set_enabled(self, enabled: bool, reason: str) -> None:
        """Allow explaining, or grey it out and say why."""


class JobView(View):
    """Every job with its progress and how it ended."""

    cancel_requested = Signal(int)  # job id

    @abstractmethod
    def set_jobs(self, rows: Sequence[JobRow]) -> None:
        """Show these jobs, newest first."""

    @abstractmethod
    def set_message(self, level: str, text: str) -> None:
        """Show one sentence; level is ``info``, ``warning`` or ``error``."""
