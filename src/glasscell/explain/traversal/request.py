"""What a traversal asks for, and which models can answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from glasscell.errors import DataError, NotCompatible
from glasscell.models.capability.latent import Decodes, Encodes

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from glasscell.models.bundle import Bundle

#: Steps between the 1st and 99th percentile of a factor, and on either side up to its extremes.
INNER, OUTER = 21, 4
ALL_CELLS = "all cells"


@dataclass(frozen=True, eq=False)
class TraverseRequest:
    """Where to start from and how finely to look.

    Parameters
    ----------
    start
        The cells that are moved, bool ``(n_cells,)``; None for all.
    start_name
        How people call them.
    factors
        Numbers of the latents to sweep; None for all.
    sample
        How many cells of the start are decoded at each step, drawn at random.
    nearest
        How many real cells are listed at each step.
    seed
        Of the draw.
    """

    start: NDArray[np.bool_] | None = None
    start_name: str = ALL_CELLS
    factors: tuple[int, ...] | None = None
    sample: int = 64
    nearest: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        if self.sample < 1 or self.nearest < 1:
            raise DataError("A traversal needs at least one cell to start from and one nearest cell.")

    def cells(self, n_cells: int) -> NDArray[np.int32]:
        """Return the sorted indices of the cells to start from.

        Raises
        ------
        DataError
            There are none, or the mask is of other data.
        """
        if self.start is None:
            return np.arange(n_cells, dtype=np.int32)
        if len(self.start) != n_cells:
            raise DataError(
                f"The starting cells are of other data ({len(self.start):,} against {n_cells:,})."
            )
        cells = np.flatnonzero(self.start).astype(np.int32)
        if not len(cells):
            raise DataError(f"No cell is in {self.start_name}: choose another group to start from.")
        return cells


def why_no_traversal(bundle: Bundle | None) -> str:
    """Say in one sentence why a model cannot be traversed; empty when it can."""
    if bundle is None:
        return "Train or load a model with latent factors first, for example the family vae."
    net: Any = bundle.folds[0]
    title = net.info.title
    if not isinstance(net, Encodes):
        return f"{title} has no latent factors to move: train a model that has, for example vae."
    if not isinstance(net, Decodes):
        return f"{title} does not decode its latents to expression: train a model that does, such as vae."
    return ""


def need_decoder(bundle: Bundle | None) -> Any:
    """Return the net that is traversed.

    Raises
    ------
    NotCompatible
        The model has no latents or no decoder.
    """
    reason = why_no_traversal(bundle)
    if reason or bundle is None:
        raise NotCompatible(reason)
    return bundle.folds[0]


def latent_names(net: Any) -> tuple[str, ...]:
    """Names of latents where they have a meaning of their own (pathways), else numbers as text."""
    names = getattr(net, "latent_names", ())
    return tuple(map(str, names)) or tuple(str(number) for number in range(net.n_latent))
