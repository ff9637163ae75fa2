"""What a view of perturbations can show and wish for, for every toolkit."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psygnal import Signal

from glasscell.views.view import View

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class PerturbationPicture:
    """A perturbation as it is shown.

    Parameters
    ----------
    title
        What was done to how many cells.
    evidence
        How the effect compares with matched controls, or with measured cells.
    stands_out
        Whether the effect is beyond the controls'; None where that is unknown.
    flips
        Before, after, cells, share: changes of class, most first.
    genes
        Name, decoded expression before, mean decoded change: largest change first.
    sorts, unit
        ``class`` or ``domain``, empty for neither; unit of decoded expression.
    notes
        What a reader must know.
    """

    title: str
    evidence: str
    stands_out: bool | None
    flips: tuple[tuple[str, str, int, float], ...]
    genes: tuple[tuple[str, float, float], ...]
    sorts: str
    unit: str
    notes: tuple[str, ...]


class PerturbationView(View):
    """Choose genes or a learned perturbation, a direction and cells; read what the model expects.

    ``perturb_requested`` carries ``genes``, ``direction``, ``action``, ``cells``, ``name`` and ``params``;
    ``learn_requested`` carries ``name`` and ``cells``, of a perturbation that the model is to learn;
    ``channel_chosen`` a key of the result's channels (``effect``, ``flip``, ``gene:NAME``, ``logit:NAME``).
    """

    perturb_requested = Signal(dict)
    learn_requested = Signal(dict)
    cancel_requested = Signal()
    channel_chosen = Signal(str)
    gene_sets_requested = Signal(object)  # Path
    table_requested = Signal(object)  # Path

    @abstractmethod
    def set_genes(self, names: Sequence[str]) -> None:
        """Offer the genes that can be typed."""

    @abstractmethod
    def set_gene_sets(self, sets: Sequence[tuple[str, tuple[str, ...]]], message: str) -> None:
        """Offer named sets of genes, with a sentence about them."""

    @abstractmethod
    def set_actions(self, names: Sequence[str]) -> None:
        """Offer learned perturbations; none for most models."""

    @abstractmethod
    def set_learning(self, enabled: bool, reason: str) -> None:
        """Allow teaching the model another perturbation, or say why not."""

    @abstractmethod
    def set_cells(self, choices: Sequence[tuple[str, str]]) -> None:
        """Offer cells as (key, words); what is chosen stays while it is offered."""

    @abstractmethod
    def set_enabled(self, enabled: bool, reason: str) -> None:
        """Allow asking, or say why not."""

    @abstractmethod
    def set_busy(self, busy: bool) -> None:
        """Offer cancel while asking."""

    @abstractmethod
    def set_result(self, picture: PerturbationPicture | None, message: str) -> None:
        """Show a perturbation, or the message alone."""
