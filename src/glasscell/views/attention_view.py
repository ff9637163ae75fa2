"""What a view of attention can show and wish for, for every toolkit."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psygnal import Signal

from glasscell.views.heat import end_words
from glasscell.views.view import View

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.explain.attention.result import AttentionRow
    from glasscell.views.heat import HeatPicture

#: What the first panel can show, in words; the second always shows the change on removal.
QUANTITIES = {
    "relative": "relative to uniform",
    "weight": "weight",
    "z_twin": "z against the twin",
    "z_random": "z against re-initialised nets",
}


@dataclass(frozen=True, eq=False)
class Multiples:
    """Every layer and head as a small table, all with the limits of one picture.

    Parameters
    ----------
    keys
        Map of each panel.
    shape
        Rows and columns: a row per layer, its mean first, then its heads.
    """

    keys: tuple[str, ...]
    shape: tuple[int, int]
    picture: HeatPicture

    @property
    def scale(self) -> str:
        """What the ends of the colours of all panels mean, in one line; empty without panels."""
        panels = self.picture.panels
        if not panels:
            return ""
        low, high = end_words(panels[0].limits, *(panel.values_rc for panel in panels))
        return f"{low} to {high}, {panels[0].unit}"

    def label(self, number: int) -> str:
        """Return what stands above a panel: its layer before its mean, else its head alone."""
        title = self.picture.panels[number].title
        return title.partition(", ")[2] if number % self.shape[1] else title


@dataclass(frozen=True, eq=False)
class AttentionPicture:
    """Attention as it is shown: never without the change on removal beside it.

    Parameters
    ----------
    heat
        The chosen map beside the change on removal; rows are tokens or sender groups, columns are groups.
    multiples
        Layers and heads; None where there is but one of each.
    maps
        Maps that can be chosen, as (key, words), and the chosen one.
    quantity
        What the first panel shows, a key of ``QUANTITIES``.
    is_graph
        Whether neighbours are attended to.
    title, notes
        What was asked, and what a reader must know.
    """

    heat: HeatPicture
    multiples: Multiples | None
    maps: tuple[tuple[str, str], ...]
    which: str
    quantity: str
    is_graph: bool
    title: str
    notes: tuple[str, ...]


class AttentionView(View):
    """Ask what a model attends to, read the heatmap with the change on removal beside it, click a place.

    ``attend_requested`` carries ``{"by": str, "target": str, "cells": "all" | "selection", "params": dict}``;
    ``place_clicked(group, column, panel)`` one group, one token or sender group, and the key of a panel.
    """

    attend_requested = Signal(dict)
    cancel_requested = Signal()
    map_chosen = Signal(str)
    quantity_chosen = Signal(str)
    group_chosen = Signal(str)
    place_clicked = Signal(str, str, str)
    place_hovered = Signal(object)  # (group, column), or None off the heatmap
    table_requested = Signal(object)  # Path
    edges_toggled = Signal(bool)  # whether the hovered cell's edges are drawn on the tissue

    @abstractmethod
    def set_groupings(self, choices: Sequence[tuple[str, str]], current: str) -> None:
        """Offer what cells can be grouped by, as (key, words)."""

    @abstractmethod
    def set_targets(self, choices: Sequence[tuple[str, str]]) -> None:
        """Offer what removal can be measured on, as (key, words), the default first."""

    @abstractmethod
    def set_enabled(self, enabled: bool, reason: str) -> None:
        """Allow asking, or say why not."""

    @abstractmethod
    def set_busy(self, busy: bool) -> None:
        """Offer cancel while asking."""

    @abstractmethod
    def set_result(self, picture: AttentionPicture | None, message: str) -> None:
        """Show attention, or the message alone."""

    @abstractmethod
    def set_rows(self, groups: Sequence[str], group: str, rows: Sequence[AttentionRow], unit: str) -> None:
        """List what one group attends to most, with all figures; ``unit`` is that of the change."""

    @abstractmethod
    def set_place(self, text: str) -> None:
        """Say everything about the place under the pointer."""

    @abstractmethod
    def set_marked(self, place: tuple[str, str, str] | None) -> None:
        """Mark the place (group, column, panel) that the cells are coloured by; None marks none."""
