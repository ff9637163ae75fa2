"""What a view of two maps beside each other can show and wish for, for every toolkit."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psygnal import Signal

from glasscell.views.view import View

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from glasscell.views.colour import ColourTable
    from glasscell.views.picture import TissuePicture

TITLE = "Two models beside each other"
WHAT_TIP = "What is shown of both: the class they give, how sure they are of the cell's own, or why"
GENE_TIP = "The gene whose share in the target is shown"
LEFT_TIP, RIGHT_TIP = "Shown on the left", "Shown on the right; the difference is left less right"
PAINT, PAINT_TIP = "Colour by difference", "Colour tissue and embedding by the difference, too"
LIMITS_NOTE = "The same limits on both sides"


@dataclass(frozen=True, eq=False)
class PairGround:
    """Where the cells lie: in the tissue, or where they have no place in it, on an embedding.

    Parameters
    ----------
    positions_cd
        ``(n_cells, 2)``; y runs down for a tissue and up otherwise.
    tissue
        None for an embedding.
    words
        Names of the axes of an embedding; empty for a tissue.
    """

    positions_cd: NDArray[np.float64]
    tissue: TissuePicture | None = None
    words: tuple[str, str] = ("", "")


def shape_of(bounds: tuple[float, float, float, float]) -> float:
    """Return the height of a rectangle over its width."""
    x0, y0, x1, y1 = bounds
    return (y1 - y0) / (x1 - x0) if x1 > x0 else 1.0


@dataclass(frozen=True)
class PairOffer:
    """What can be put beside each other, as (key, words), and what is chosen of it.

    Parameters
    ----------
    whats, what
        What is shown of both.
    genes, gene
        Where it is the share of a gene; else empty.
    sides, left, right
        Models and explanations that can be shown.
    """

    whats: tuple[tuple[str, str], ...] = ()
    what: str = ""
    genes: tuple[str, ...] = ()
    gene: str = ""
    sides: tuple[tuple[str, str], ...] = ()
    left: str = ""
    right: str = ""


@dataclass(frozen=True, eq=False)
class PairPicture:
    """Two maps in the same colours, and their difference in colours of its own.

    Parameters
    ----------
    left, right, difference
        Colours with bar or legend; those of left and right have the same limits, or the same colour for the
        same name. The colours of numbers' difference are centred at zero, the limits symmetric.
    titles
        What stands above the three.
    summary
        How far the two differ, in a sentence.
    notes
        What must be said of the values.
    """

    left: ColourTable
    right: ColourTable
    difference: ColourTable
    titles: tuple[str, str, str]
    summary: str
    notes: tuple[str, ...] = ()


class PairView(View):
    """Choose two maps; see them and their difference, hover and draw in any of the three."""

    pair_chosen = Signal(str, str, str, str)  # what, gene, left, right
    cell_hovered = Signal(object)  # cell index, or None off the cells
    selection_drawn = Signal(object, str)  # as in TissueView
    selection_cleared = Signal()
    difference_painted = Signal()

    @abstractmethod
    def set_offer(self, offer: PairOffer) -> None:
        """Offer what can be shown; the chosen ones chosen."""

    @abstractmethod
    def set_ground(self, ground: PairGround | None) -> None:
        """Place the cells; None empties all three pictures."""

    @abstractmethod
    def set_pair(self, picture: PairPicture | None, message: str) -> None:
        """Colour the cells of all three, or show the message alone."""

    @abstractmethod
    def set_hovered(self, cell: int | None, words: str) -> None:
        """Mark a cell in all three and say its values; None marks none."""
