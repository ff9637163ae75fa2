"""Attention of the class token to tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from glasscell.errors import DataError
from glasscell.explain.attention.average import token_room
from glasscell.explain.attention.result import CELL_QUANTITIES, Attention
from glasscell.explain.attention.token_net import combine

if TYPE_CHECKING:
    from glasscell.explain.attention.result import Bools, Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class TokenAttention(Attention):
    """What cells attend to among named tokens.

    Parameters
    ----------
    weights_clht
        Class token to tokens, ``(n, layers, heads, tokens)`` float32, in the order of ``cells``.
    rollout_ct, norm_ct
        See ``token_net.TokenMaps``, ``(n, tokens)``; None where the model does not tell.
    removed_ct
        Change when a token is removed, ``(n, tokens)``, NaN in cells where it was not measured.
    first_net
        Whether the first net explains the cell, ``(n,)``.
    """

    weights_clht: Floats
    rollout_ct: Floats | None
    norm_ct: Floats | None
    removed_ct: Floats
    first_net: Bools

    def cell_values(self, column: str, which: str = "mean", quantity: str = "relative") -> Floats:
        """Return one token for every cell; see ``Attention``."""
        if quantity not in CELL_QUANTITIES:
            raise DataError(f"A cell's attention has {', '.join(CELL_QUANTITIES)}, not {quantity!r}.")
        place, out = self.column_place(column), np.full(self.n_cells, np.nan)
        self.map_place(which)
        if quantity == "removed":
            out[self.cells] = self.removed_ct[:, place]
            return out
        values_ct = token_map(self, which)
        if quantity == "relative":
            values_ct = relative_map(values_ct, which, self.weights_clht.shape[1])
        values_c = values_ct[:, place]
        out[self.cells] = (
            np.where(self.first_net, values_c, np.nan) if which.startswith("head:") else values_c
        )
        return out


def token_map(found: TokenAttention, which: str) -> Floats:
    """Return one map, ``(n, tokens)``."""
    stored = {"rollout": found.rollout_ct, "norm": found.norm_ct}
    if which not in stored:
        return combine(found.weights_clht, which)
    values_ct = stored[which]
    assert values_ct is not None
    return np.asarray(values_ct, np.float64)


def relative_map(values_ct: Floats, which: str, layers: int) -> Floats:
    """Divide by what uniform attention gives; norm-weighted attention by the cell's mean over tokens.

    Of a rollout uniform attention leaves ``2 ** -layers`` on the class token's own path, since half of every
    layer stays where it is; the rest is shared evenly.
    """
    if which == "norm":
        mean_c = values_ct.mean(axis=1, keepdims=True)
        return np.asarray(np.divide(values_ct, mean_c, out=np.full_like(values_ct, np.nan), where=mean_c > 0))
    shared = 1.0 - 0.5**layers if which == "rollout" else 1.0
    return values_ct * (token_room(values_ct.sum(axis=1), values_ct.shape[1]) / shared)
