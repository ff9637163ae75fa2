"""What a view of a contrast can show and wish for, for every toolkit."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from glasscell.views.view import View

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from glasscell.explain.contrast import ContrastRow
    from glasscell.explain.gene_set import SetOverlap

BY = ("expression", "attribution")
SIDES = ("a", "b")


@dataclass(frozen=True, eq=False)
class Volcano:
    """Every gene as a dot.

    Parameters
    ----------
    genes
        One name per dot.
    x_g, y_g
        Change, and -log10 p, or the level of expression where there is no p.
    lead_a, lead_b
        Places of the genes that lead each side.
    clipped
        Places of dots drawn lower than they are.
    x_name, y_name
        Axes, with units.
    """

    genes: tuple[str, ...]
    x_g: NDArray[np.float64]
    y_g: NDArray[np.float64]
    lead_a: tuple[int, ...]
    lead_b: tuple[int, ...]
    clipped: tuple[int, ...]
    x_name: str
    y_name: str


@dataclass(frozen=True, eq=False)
class ContrastPicture:
    """A contrast as it is shown: dots, rows in the order wished for, and what must be said with them.

    ``by`` and ``side`` are that order, one of ``BY`` and one of ``SIDES``.
    """

    a_name: str
    b_name: str
    volcano: Volcano
    rows: tuple[ContrastRow, ...]
    p_text: str
    has_model: bool
    agreement: str
    title: str
    notes: tuple[str, ...]
    by: str = "expression"
    side: str = "a"


class ContrastView(View):
    """Choose two groups, compare them, read which genes differ and which the model goes by.

    ``contrast_requested`` carries ``a``, ``b`` (keys of the sides), ``donor`` and ``independent``;
    ``order_chosen(by, side)`` one of ``BY`` and one of ``SIDES``; ``gene_clicked(gene, by)`` what to paint.
    """

    contrast_requested = Signal(dict)
    cancel_requested = Signal()
    order_chosen = Signal(str, str)
    gene_clicked = Signal(str, str)
    gene_sets_requested = Signal(object)  # Path

    @abstractmethod
    def set_sides(self, sides: Sequence[tuple[str, str]]) -> None:
        """Offer groups as (key, words); what is chosen stays while it is offered."""

    @abstractmethod
    def set_donors(self, choices: Sequence[tuple[str, str]]) -> None:
        """Offer where donors are named, as (key, words)."""

    @abstractmethod
    def set_enabled(self, enabled: bool, reason: str) -> None:
        """Allow comparing, or say why not."""

    @abstractmethod
    def set_busy(self, busy: bool) -> None:
        """Offer cancel while comparing."""

    @abstractmethod
    def set_result(self, picture: ContrastPicture | None, message: str) -> None:
        """Show a contrast, or the message alone."""

    @abstractmethod
    def set_gene_sets(self, rows: Sequence[SetOverlap] | None, message: str) -> None:
        """Show the gene sets of the genes that lead, with a sentence about them; None for none asked for."""


def wish_of(a: Any, b: Any, donor: Any, independent: bool) -> dict[str, Any]:
    """Put a wish together."""
    return {"a": str(a or ""), "b": str(b or ""), "donor": str(donor or ""), "independent": bool(independent)}
