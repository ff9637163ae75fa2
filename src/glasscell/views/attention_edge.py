"""The edges that come in at the hovered cell, drawn on the tissue, and the session."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.palette import diverging_map, sequential_map
from glasscell.views.heat import end_words, rising_limits, symmetric_limits
from glasscell.views.presenter import Presenter
from glasscell.views.view import View

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.session import Session, State
    from glasscell.views.attention_view import AttentionView

MEAN = "mean"
#: Width of an edge as attended to as uniform attention would, in pixels, and the thinnest and widest.
UNIFORM_PX, THIN_PX, WIDE_PX = 3.0, 0.8, 10.0
#: What the widths can tell, as they are written beside the edges.
WIDTHS = f"uniform (drawn {THIN_PX / UNIFORM_PX:.1f} to {WIDE_PX / UNIFORM_PX:.1f} x)"
#: In place of a change that was not measured: the colour that cells without a value have.
NOT_MEASURED = "#a07840"
#: Drawn around every edge, so that pale ones are seen on any ground.
HALO = "#101010"


@dataclass(frozen=True, eq=False)
class EdgePicture:
    """Edges from neighbours to one cell.

    Parameters
    ----------
    cell, senders
        Cells of the dataset.
    widths
        In pixels, ``UNIFORM_PX`` for a weight as under uniform attention, ``(n_edges,)``.
    colours
        ``#rrggbb`` of the change when the edge is removed; empty where it was not measured.
    colour_map, limits, unit
        What the colours mean.
    ends
        The limits in words, marked where edges of any cell lie beyond.
    title
        What is drawn, in one line.
    """

    cell: int
    senders: NDArray[np.int32]
    widths: NDArray[np.float64]
    colours: tuple[str, ...]
    colour_map: tuple[str, ...]
    limits: tuple[float, float]
    unit: str
    title: str
    ends: tuple[str, str] = ("", "")


class EdgeView(View):
    """The tissue, as far as edges are drawn over it."""

    @abstractmethod
    def set_edges(self, picture: EdgePicture | None) -> None:
        """Draw the edges of one cell; None draws none."""


class EdgePresenter(Presenter[EdgeView]):
    """Draw what comes in at the hovered cell, when the last attention is to neighbours.

    Parameters
    ----------
    switch
        A view whose ``edges_toggled`` says whether edges are wanted, and ``map_chosen`` of which layer or
        head; always, and of all heads, without it.
    """

    def __init__(self, session: Session, view: EdgeView, switch: AttentionView | None = None) -> None:
        super().__init__(session, view)
        self._wanted, self._which = True, MEAN
        if switch is not None:
            self.listen(switch.edges_toggled, self._on_toggled)
            self.listen(switch.map_chosen, self._on_map)
        self._limits: tuple[float, float] = (0.0, 1.0)
        self._ends, self._known = ("", ""), ""
        self.listen(session.hovered, self._on_hovered)
        self.listen(session.made, lambda kind: self._on_hovered(session.hovered_cell))
        self._on_hovered(session.hovered_cell)

    def _on_changed(self, new: State, old: State) -> None:
        if new.dataset != old.dataset:
            self.view.set_edges(None)

    def _on_toggled(self, wanted: bool) -> None:
        self._wanted = wanted
        self._on_hovered(self.session.hovered_cell)

    def _on_map(self, which: str) -> None:
        self._which = which
        self._on_hovered(self.session.hovered_cell)

    def _on_hovered(self, cell: int | None) -> None:
        found: Any = self.session.latest("attention")
        if found is not None and self._which not in found.maps:
            self._which = MEAN  # as the tables do
        if not self._wanted or cell is None or not hasattr(found, "neighbours"):
            self.view.set_edges(None)
            return
        if self._known != found.id:
            known = found.removed_e[np.isfinite(found.removed_e)]
            signed = found.provenance.target != "latent_shift"
            self._limits = (symmetric_limits if signed else rising_limits)(known, share=0.98)
            self._ends, self._known = end_words(self._limits, known), found.id
        picture = edge_picture(found, cell, self._limits, self._which)
        self.view.set_edges(None if picture is None else replace(picture, ends=self._ends))


def edge_picture(found: Any, cell: int, limits: tuple[float, float], which: str = MEAN) -> EdgePicture | None:
    """Draw up the edges that come in at a cell by one map; None where there are none.

    A head is that of the first net: of a cell that another net explains nothing is drawn, and the title says
    so.
    """
    edges = found.neighbours(cell, which)
    if not len(edges.senders):
        return None
    edges = edges._make(part[np.isfinite(edges.relative)] for part in edges)
    ramp = diverging_map() if limits[0] < 0 else sequential_map()
    low, high = limits
    share = np.clip((np.nan_to_num(edges.removed) - low) / ((high - low) or 1.0), 0, 1)
    place = (share * (len(ramp) - 1)).round().astype(int)
    known = np.isfinite(edges.removed)
    return EdgePicture(
        cell=cell,
        senders=edges.senders,
        widths=np.clip(UNIFORM_PX * edges.relative, THIN_PX, WIDE_PX),
        colours=tuple(ramp[p] if ok else "" for p, ok in zip(place, known, strict=True)),
        colour_map=ramp,
        limits=limits,
        ends=end_words(limits, edges.removed),
        unit=found.unit,
        title=_title(edges.relative, edges.removed, which),
    )


def _title(relative: NDArray[np.floating[Any]], removed: NDArray[np.floating[Any]], which: str) -> str:
    from glasscell.explain.attention.channel import map_words

    if not len(relative):
        return f"{map_words(which)} is of net 1, which does not explain this cell"
    of = "" if which == MEAN else f"{map_words(which)}: "
    most = int(np.argmax(relative))
    change = f"removed {removed[most]:+.2g}" if np.isfinite(removed[most]) else "removal not measured here"
    return f"{of}{len(relative)} neighbours; most attended {relative[most]:.1f} x uniform, {change}"
