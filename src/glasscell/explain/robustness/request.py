"""What is asked of a check of robustness."""

from __future__ import annotations

from dataclasses import dataclass

from glasscell.errors import DataError

SHARES = (0.5, 0.25, 0.1)
#: Finds the column itself; an empty word trains nothing anew.
AUTO = "auto"


@dataclass(frozen=True)
class RobustnessRequest:
    """Under which conditions a model is asked again.

    Parameters
    ----------
    shares
        Of each cell's counts that are kept, each above 0 and below 1.
    protocol
        Obs column of the protocol (or batch): for each of its values the model is trained on the others and
        asked about that one. ``auto`` takes the column the model takes out, else one called so; empty for
        none.
    seed
        Of the thinning and of the cells that are explained.
    top
        Genes of a class that are compared; at most a quarter of all genes.
    cells_per_class
        Held-out cells of a class that are explained, at most.
    method
        Of the explanations.

    Raises
    ------
    DataError
        A share or a number is out of range.
    """

    shares: tuple[float, ...] = SHARES
    protocol: str = AUTO
    seed: int = 0
    top: int = 20
    cells_per_class: int = 50
    method: str = "integrated_gradients"

    def __post_init__(self) -> None:
        """Refuse what would measure nothing."""
        wrong = [share for share in self.shares if not 0 < share < 1]
        if wrong:
            raise DataError(f"A share of counts to keep lies between 0 and 1, not at {wrong[0]:g}.")
        if self.top < 1 or self.cells_per_class < 1:
            raise DataError("Compare at least one gene of one cell of each class.")
