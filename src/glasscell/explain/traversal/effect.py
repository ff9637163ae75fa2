"""How far each factor can move each gene at all, and how specific it is for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIRECTIONS = ("up", "down")


@dataclass(frozen=True, eq=False)
class Effects:
    """Log-fold changes a factor can cause, by direction of the factor (up from 0, down from 0).

    Parameters
    ----------
    highest_kdg
        With all other factors where they give least: how far can this factor move the gene,
        ``(n_factors, 2, n_genes)``.
    lowest_kdg
        With all others where they give most: what only this factor does.
    """

    highest_kdg: NDArray[np.float32]
    lowest_kdg: NDArray[np.float32]

    @property
    def specific_kdg(self) -> NDArray[np.float32]:
        """Product of the two: large when a factor moves a gene far and no other does."""
        return self.highest_kdg * self.lowest_kdg


def possible_effects(up_ksg: NDArray[Any], down_ksg: NDArray[Any], pseudo: float = 0.0) -> Effects:
    """Work out what each factor could do with the others at their least and at their most.

    Exact for a decoder that adds up the rates of its factors, when each is given alone; for any other decoder
    it takes factors one by one and knows nothing of how they work together.

    Parameters
    ----------
    up_ksg, down_ksg
        What each factor gives as rates (not logs) as its latent goes from 0 to its observed maximum, and to
        its minimum, all others 0, ``(n_factors, n_steps, n_genes)``.
    pseudo
        Rate added to every sum, so that a gene that is hardly there is no gene that changes manifold; 0 is
        the definition to the letter.

    References
    ----------
    Moinfar & Theis 2024, doi:10.1101/2024.11.06.622266.
    """
    both = np.stack([up_ksg, down_ksg], axis=1).astype(np.float64)  # factor, direction, step, gene
    least_kdg, most_kdg = both.min(axis=2), both.max(axis=2)
    least_kg, most_kg = least_kdg.min(axis=1), most_kdg.max(axis=1)

    def change(others_kg: NDArray[np.float64]) -> NDArray[np.float32]:
        top = others_kg[:, None] + most_kdg + pseudo
        bottom = others_kg[:, None] + least_kdg + pseudo
        tiny = np.finfo(np.float64).tiny
        return np.asarray(np.log(np.maximum(top, tiny)) - np.log(np.maximum(bottom, tiny)), np.float32)

    return Effects(change(least_kg.sum(axis=0) - least_kg), change(most_kg.sum(axis=0) - most_kg))
