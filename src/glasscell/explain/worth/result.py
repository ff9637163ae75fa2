"""What gene sets are worth to a model: the result, and how it is written into an AnnData and read back."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData
    from numpy.typing import NDArray

FORMAT_VERSION = 1
KEY = "glasscell.set_worth."
_ARRAYS = {"n_genes_p": np.int64, "norm_p": np.float64, "worth_p": np.float64, "survives_p": np.float64}


@dataclass(frozen=True, eq=False, kw_only=True)
class SetWorth:
    """How much worse a model explains cells without each of its gene sets, and what pruning each withstands.

    Parameters
    ----------
    names
        Of the gene sets.
    n_genes_p
        Measured genes of each, ``(n_sets,)`` int64.
    norm_p
        Length of each set's weights; 0 for one that was pruned, ``(n_sets,)``.
    worth_p
        Evidence lower bound lost without the set, nats per cell, ``(n_sets,)``. The net is not trained anew:
        of two sets with the same genes neither may be needed though both look dear.
    survives_p
        The strongest pruning each set withstands, -1 where it stood none; NaN where nets were not trained,
        ``(n_sets,)``.
    strengths, deviance_s
        Strengths of the pruning that nets were trained with, and how well each net foretells hidden counts
        of held-out cells (less is better); empty where none were.
    setting
        Strength the model itself was trained with.
    n_cells, held_out
        Cells the worth was measured on, and whether none of them was trained on.
    model, fingerprint, data
        Id and digest of the bundle, and fingerprint of the dataset.
    """

    names: tuple[str, ...]
    n_genes_p: NDArray[np.int64]
    norm_p: NDArray[np.float64]
    worth_p: NDArray[np.float64]
    survives_p: NDArray[np.float64]
    strengths: tuple[float, ...]
    deviance_s: tuple[float, ...]
    setting: float
    n_cells: int
    held_out: bool
    model: str
    fingerprint: str
    data: str

    @property
    def id(self) -> str:
        """A short name that changes with the model, the data and what was measured."""
        words = (self.fingerprint, self.data, str(self.n_cells), *map(str, self.strengths))
        return f"set_worth-{hashlib.sha256('|'.join(words).encode()).hexdigest()[:12]}"

    @property
    def has_path(self) -> bool:
        """Whether nets were trained with other strengths of the pruning."""
        return bool(self.strengths)

    def order(self) -> NDArray[np.intp]:
        """Return the sets by falling worth."""
        return np.argsort(-self.worth_p, kind="stable")

    def table(self) -> pd.DataFrame:
        """One row per gene set, dearest first."""
        import pandas as pd

        order = self.order()
        return pd.DataFrame(
            {
                "gene_set": [self.names[p] for p in order],
                "genes": self.n_genes_p[order],
                "weight": self.norm_p[order],
                "pruned": self.norm_p[order] == 0,
                "worth_nats_per_cell": self.worth_p[order],
                "withstands_pruning": self.survives_p[order],
            }
        )

    def manifest(self) -> str:
        """Return everything as JSON; numbers read back equal."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        plain = {
            name: [None if np.isnan(one) else one for one in values.tolist()]
            for name, values in arrays.items()
        }
        deviances = [None if np.isnan(one) else one for one in self.deviance_s]
        content = {
            "format_version": FORMAT_VERSION,
            "names": list(self.names),
            **plain,
            "strengths": list(self.strengths),
            "deviance_s": deviances,
            **{name: getattr(self, name) for name in ("setting", "n_cells", "held_out")},
            **{name: getattr(self, name) for name in ("model", "fingerprint", "data")},
        }
        return json.dumps(content, sort_keys=True)

    def write_into(self, adata: AnnData) -> str:
        """Write itself into ``uns`` of an AnnData and return the key."""
        key = f"{KEY}{self.id.rpartition('-')[2]}"
        adata.uns[key] = self.manifest()
        return key


def read_set_worth(adata: AnnData) -> tuple[SetWorth, ...]:
    """Read every such result an AnnData holds, sorted by key.

    Raises
    ------
    DataError
        An entry is damaged or from a newer version.
    """
    return tuple(
        _read(key, str(adata.uns[key])) for key in sorted(map(str, adata.uns)) if key.startswith(KEY)
    )


def _read(key: str, text: str) -> SetWorth:
    try:
        content: dict[str, Any] = json.loads(text)
        if content.pop("format_version") > FORMAT_VERSION:
            raise DataError(f"The result {key} was written by a newer version; update Glasscell to read it.")
        for name, kind in _ARRAYS.items():
            values = [np.nan if one is None else one for one in content[name]]
            content[name] = np.asarray(values, kind)
        for name in ("names", "strengths"):
            content[name] = tuple(content[name])
        content["deviance_s"] = tuple(np.nan if one is None else one for one in content["deviance_s"])
        return SetWorth(**content)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"The result {key} in this file is damaged ({error}); remove it or measure again."
        ) from error
