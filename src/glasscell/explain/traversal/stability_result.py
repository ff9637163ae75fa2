"""How stable factors are over seeds: the result, and how it is written into an AnnData and read back."""

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
KEY = "glasscell.stability."


@dataclass(frozen=True, eq=False, kw_only=True)
class FactorStability:
    """How closely each factor of a model is followed by one of the same model trained with other seeds.

    Parameters
    ----------
    names, named
        Of the factors; numbers unless the model gives its latents a meaning (``named``).
    seeds
        Of the runs; the model's own comes first.
    match_rk
        The factor of each other run that is paired with each factor, ``(n_runs, n_factors)`` int64; each run
        pairs every factor once.
    correlation_rk
        Pearson correlation over cells of each pair, with its sign, ``(n_runs, n_factors)``.
    untrained_rk
        |correlation| that nets with random weights reach when they are paired in the same way: what the data
        and the pairing give without any learning, ``(n_runs, n_factors)``; NaN when none could be made.
    vanished_k
        Factors that never leave 0 by more than 0.5: they carry nothing, whatever they correlate with.
    model, fingerprint, family, data
        Id and digest of the bundle, its family, and fingerprint of the dataset.
    """

    names: tuple[str, ...]
    named: bool
    seeds: tuple[int, ...]
    match_rk: NDArray[np.int64]
    correlation_rk: NDArray[np.float64]
    untrained_rk: NDArray[np.float64]
    vanished_k: NDArray[np.bool_]
    model: str
    fingerprint: str
    family: str
    data: str

    @property
    def id(self) -> str:
        """A short name that changes with the model, the data and the seeds."""
        words = [self.fingerprint, self.data, *map(str, self.seeds)]
        return f"stability-{hashlib.sha256('|'.join(words).encode()).hexdigest()[:12]}"

    @property
    def mean_k(self) -> NDArray[np.float64]:
        """Mean |correlation| over the other runs, ``(n_factors,)``."""
        return np.asarray(np.abs(self.correlation_rk).mean(axis=0))

    @property
    def lowest_k(self) -> NDArray[np.float64]:
        """Smallest |correlation| over the other runs, ``(n_factors,)``."""
        return np.asarray(np.abs(self.correlation_rk).min(axis=0))

    def words(self, factor: int) -> str:
        """Say in one or two sentences how stable a factor is.

        Raises
        ------
        DataError
            There is no such factor.
        """
        if not 0 <= factor < len(self.names):
            raise DataError(f"The model has no factor {factor}: it has 0 to {len(self.names) - 1}.")
        if self.vanished_k[factor]:
            return "It carries nothing, so there is nothing to find again with other seeds."
        floor = float(self.untrained_rk[:, factor].mean())
        beside = "" if np.isnan(floor) else f"; untrained nets {floor:.2f}"
        others = "one other seed" if len(self.seeds) == 2 else f"{len(self.seeds) - 1} other seeds"
        return (
            f"Trained with {others}, its best match follows it with |r| "
            f"{self.mean_k[factor]:.2f} (lowest {self.lowest_k[factor]:.2f}{beside})."
        )

    def table(self) -> pd.DataFrame:
        """One row per factor and other run."""
        import pandas as pd

        n_runs, n_factors = self.match_rk.shape
        return pd.DataFrame(
            {
                "factor": np.tile(np.asarray(self.names, dtype=object), n_runs),
                "seed": np.repeat(self.seeds[1:], n_factors),
                "matched_factor": self.match_rk.ravel(),
                "correlation": self.correlation_rk.ravel(),
                "untrained": self.untrained_rk.ravel(),
                "vanished": np.tile(self.vanished_k, n_runs),
            }
        )

    def manifest(self) -> str:
        """Return everything as JSON; numbers read back equal."""
        untrained = [[None if np.isnan(one) else one for one in row] for row in self.untrained_rk.tolist()]
        content = {
            "format_version": FORMAT_VERSION,
            "names": list(self.names),
            "named": self.named,
            "seeds": list(self.seeds),
            "match": self.match_rk.tolist(),
            "correlation": self.correlation_rk.tolist(),
            "untrained": untrained,
            "vanished": self.vanished_k.tolist(),
            "model": self.model,
            "fingerprint": self.fingerprint,
            "family": self.family,
            "data": self.data,
        }
        return json.dumps(content, sort_keys=True)

    def write_into(self, adata: AnnData) -> str:
        """Write itself into ``uns`` of an AnnData and return the key."""
        key = f"{KEY}{self.id.rpartition('-')[2]}"
        adata.uns[key] = self.manifest()
        return key


def read_stability(adata: AnnData) -> tuple[FactorStability, ...]:
    """Read every such result an AnnData holds, sorted by key.

    Raises
    ------
    DataError
        An entry is damaged or from a newer version.
    """
    return tuple(
        _read(key, str(adata.uns[key])) for key in sorted(map(str, adata.uns)) if key.startswith(KEY)
    )


def _read(key: str, text: str) -> FactorStability:
    try:
        content: dict[str, Any] = json.loads(text)
        if content["format_version"] > FORMAT_VERSION:
            raise DataError(f"The result {key} was written by a newer version; update Glasscell to read it.")
        return FactorStability(
            names=tuple(content["names"]),
            named=content["named"],
            seeds=tuple(content["seeds"]),
            match_rk=np.asarray(content["match"], np.int64),
            correlation_rk=np.asarray(content["correlation"], np.float64),
            untrained_rk=np.asarray(content["untrained"], np.float64),
            vanished_k=np.asarray(content["vanished"], np.bool_),
            **{name: content[name] for name in ("model", "fingerprint", "family", "data")},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"The result {key} in this file is damaged ({error}); remove it or measure again."
        ) from error
