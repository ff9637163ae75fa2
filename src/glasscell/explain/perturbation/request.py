"""What is asked of a perturbation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from glasscell.errors import DataError
from glasscell.explain.method import MethodParams

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

Direction = Literal["out", "down", "up", "learned"]
#: Directions by name, in the words of a menu.
DIRECTIONS: Mapping[str, str] = {
    "out": "knock out",
    "down": "knock down",
    "up": "over-express",
    "learned": "apply a learned perturbation",
}


class PerturbationParams(MethodParams):
    """Settings of a perturbation."""

    keep: float = Field(
        0.25,
        ge=0.0,
        lt=1.0,
        title="Left after knock-down",
        description="Share of a gene's counts that a knock-down leaves.",
    )
    percentile: float = Field(
        95.0,
        ge=50.0,
        le=100.0,
        title="Over-express to",
        description="Percentile of the cells that express the gene; cells already above stay as they are.",
    )
    controls: int = Field(
        20,
        ge=0,
        le=1000,
        title="Matched controls",
        description="Random genes (sets) of like expression, changed the same way, that the effect is held "
        "against; at least two give a z.",
    )
    control_cells: int = Field(
        300,
        ge=1,
        le=100_000,
        title="Cells for controls",
        description="Cells in which the controls are tried; of more cells a sample.",
    )


@dataclass(frozen=True, eq=False)
class PerturbationRequest:
    """Which genes are changed in which cells, or which learned perturbation is given to them.

    Parameters
    ----------
    genes
        Genes changed together; empty with ``learned``.
    direction
        ``out``, ``down``, ``up``, or ``learned``.
    action
        With ``learned``: name of a perturbation the model was trained with.
    name
        How people call the set; made of the genes when empty.
    cells
        Indices of the cells; None for all.
    nets
        ``held_out``: each cell by the net that did not see it in training; ``fold:2``: all by one net.
    params
        See ``PerturbationParams``.
    seed
        Of the controls and of the cells they are tried in.
    """

    genes: tuple[str, ...] = ()
    direction: Direction = "out"
    action: str = ""
    name: str = ""
    cells: NDArray[np.int32] | None = None
    nets: str = "held_out"
    params: Mapping[str, Any] | PerturbationParams = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what asks for nothing, or for two things."""
        if self.direction not in DIRECTIONS:
            raise DataError(f"A perturbation is one of {', '.join(DIRECTIONS)}, not {self.direction!r}.")
        if self.direction == "learned" and (self.genes or not self.action):
            raise DataError("Name one learned perturbation and no genes.")
        if self.direction != "learned" and (self.action or not self.genes):
            raise DataError("Name at least one gene to change.")
        if len(set(self.genes)) != len(self.genes):
            raise DataError("A gene is named twice: name each once.")

    @property
    def title(self) -> str:
        """Say in a few words what is done."""
        if self.direction == "learned":
            return f"{self.action} (learned)"
        few = ", ".join(self.genes[:3]) + (f" and {len(self.genes) - 3} more" if len(self.genes) > 3 else "")
        return f"{self.name or few} {({'out': 'out', 'down': 'down', 'up': 'up'})[self.direction]}"
