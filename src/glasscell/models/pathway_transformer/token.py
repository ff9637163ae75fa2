"""Which genes make up which token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from glasscell.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.gene_set import GeneMask

#: The token that sees every gene, so that what no set explains need not be forced into one.
FREE = "unannotated"


@dataclass(frozen=True, eq=False)
class TokenSets:
    """Gene sets as places among a model's genes.

    Parameters
    ----------
    names
        One per set, in the order of the rows.
    index
        Places of each set's genes, padded with 0, ``(n_sets, largest)`` int64.
    member
        False where ``index`` is padding, same shape.
    """

    names: tuple[str, ...]
    index: NDArray[np.int64]
    member: NDArray[np.bool_]


def token_sets(mask: GeneMask, max_sets: int) -> TokenSets:
    """Make the largest sets tokens, in the order they came in.

    Raises
    ------
    ModelError
        There is one set only.
    """
    if len(mask.names) < 2:
        raise ModelError(
            f'"{mask.names[0]}" is the only gene set that is measured here, and at least two are needed: '
            "choose a file with more sets."
        )
    size_p = mask.mask_pg.sum(axis=1)
    kept = np.sort(np.argsort(-size_p, kind="stable")[:max_sets])
    index = np.zeros((len(kept), int(size_p[kept].max())), np.int64)
    member = np.zeros(index.shape, np.bool_)
    for row, set_ in enumerate(kept):
        places = np.flatnonzero(mask.mask_pg[set_])
        index[row, : len(places)] = places
        member[row, : len(places)] = True
    return TokenSets(tuple(mask.names[set_] for set_ in kept), index, member)
