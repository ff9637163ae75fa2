"""What a view of a traversal can show and wish for, for every toolkit."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psygnal import Signal

from glasscell.views.view import View

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from glasscell.explain.gene_set import SetOverlap
    from glasscell.explain.traversal.label import LabelLink
    from glasscell.explain.traversal.result import GeneChange


@dataclass(frozen=True, eq=False)
class FactorRow:
    """One slider on its histogram.

    Parameters
    ----------
    factor, title
        Number of the latent; what it is called, plain text.
    bars_h
        Cells per bin between the least and the greatest value, the fullest 1, ``(n_bins,)``.
    values_s
        Value at each step, ascending, ``(n_steps,)``.
    low, high, start
        1st and 99th percentile, and the mean of the starting cells.
    step
        Where the slider stands at first.
    activity
        Mean of the starting cells in standard deviations from that of all cells.
    note
        What must be known of it, such as that it carries nothing.
    """

    factor: int
    title: str
    bars_h: NDArray[np.float64]
    values_s: NDArray[np.float64]
    low: float
    high: float
    start: float
    step: int
    activity: float
    note: str = ""

    def share(self, value: float) -> float:
        """Return where a value lies between the least and the greatest, 0 to 1."""
        least, most = float(self.values_s[0]), float(self.values_s[-1])
        return (value - least) / (most - least) if most > least else 0.5


@dataclass(frozen=True, eq=False)
class SweepPicture:
    """All sliders of one traversal, and the sentence above them."""

    rows: tuple[FactorRow, ...]
    title: str
    named: bool
    genes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class StepPicture:
    """What a factor does at one position.

    Parameters
    ----------
    title
        The factor, its value, and whether it was observed.
    observed
        False beyond the 1st to 99th percentile: everything is then greyed.
    up, down
        Genes with their decoded changes, largest first.
    limit
        Length of a full bar; the same at every position of a factor.
    unit
        Of the changes.
    near
        The nearest real cells in words.
    sets
        Gene sets with their mean change, largest first.
    """

    title: str
    observed: bool
    up: tuple[GeneChange, ...]
    down: tuple[GeneChange, ...]
    limit: float
    unit: str
    near: str
    sets: tuple[GeneChange, ...] = ()


@dataclass(frozen=True, eq=False)
class FactorPicture:
    """What is known of a factor.

    Parameters
    ----------
    title
        What it is called.
    specific_up, specific_down
        Genes that it alone can move, going up and down from 0.
    links
        Labels that go along with it.
    stability
        Whether other seeds find it again, in words.
    """

    title: str
    specific_up: tuple[GeneChange, ...]
    specific_down: tuple[GeneChange, ...]
    links: tuple[LabelLink, ...]
    stability: str


@dataclass(frozen=True, eq=False)
class GatePicture:
    """How sure a model is that an action moves a factor, and how far it does.

    Parameters
    ----------
    actions, factors
        Names of rows and columns.
    gates_az
        Probability that the gate is open, 0 to 1, ``(n_actions, n_factors)``.
    effects_az
        How far an action moves a factor, with its sign, in units of the latent; 0 behind a closed gate. None
        where the model does not say.
    """

    actions: tuple[str, ...]
    factors: tuple[str, ...]
    gates_az: NDArray[np.float64]
    effects_az: NDArray[np.float64] | None = None


class TraversalView(View):
    """Move a factor and see what it does.

    ``slider_moved(factor, step, moving)`` comes while a slider is dragged and once when it is let go.
    """

    sweep_requested = Signal(str)  # key of the start
    cancel_requested = Signal()
    slider_moved = Signal(int, int, bool)
    play_toggled = Signal(bool)
    light_toggled = Signal(bool)
    gene_chosen = Signal(str)  # empty: follow the factor's strongest gene
    factor_painted = Signal(int)  # colour by the factor itself
    gene_sets_requested = Signal(object)  # Path
    stability_requested = Signal()
    table_requested = Signal(object)  # Path

    @abstractmethod
    def set_starts(self, choices: Sequence[tuple[str, str]]) -> None:
        """Offer where to start as (key, words); what is chosen stays while it is offered."""

    @abstractmethod
    def set_enabled(self, enabled: bool, reason: str) -> None:
        """Allow sweeping, or say why not."""

    @abstractmethod
    def set_busy(self, busy: bool) -> None:
        """Offer cancel while sweeping."""

    @abstractmethod
    def set_sweep(self, picture: SweepPicture | None, message: str) -> None:
        """Show the sliders of a traversal, or the message alone."""

    @abstractmethod
    def set_stability(self, enabled: bool, reason: str) -> None:
        """Allow training with other seeds to see which factors come again, or say why not."""

    @abstractmethod
    def set_step(self, factor: int, step: int, picture: StepPicture | None) -> None:
        """Move a slider, and show what its factor does there."""

    @abstractmethod
    def set_factor(self, picture: FactorPicture | None) -> None:
        """Show what is known of the factor that was moved last."""

    @abstractmethod
    def set_gene(self, gene: str, pinned: bool) -> None:
        """Say which gene both views show, and whether the user chose it."""

    @abstractmethod
    def set_playing(self, playing: bool) -> None:
        """Offer stop while a factor moves by itself."""

    @abstractmethod
    def set_gene_sets(self, rows: Sequence[SetOverlap] | None, message: str) -> None:
        """Show the sets of the genes that change most, with a sentence; None for none asked for."""

    @abstractmethod
    def set_gates(self, picture: GatePicture | None) -> None:
        """Show which actions move which factors; None where the model has no gates."""
