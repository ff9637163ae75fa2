"""Traversals written into an AnnData under documented keys, and read back equal.

One result takes one key, ``glasscell.traversal.<slug>``:

- ``varm[key]``: decoded change, factor by factor and step by step, ``(n_vars, n_factors x n_steps)``
  float32, NaN for genes the model does not know;
- ``varm[key + ".effects"]``: per factor the slope, then the possible effects up, up alone, down, down alone,
  ``(n_vars, 5 x n_factors)`` float64;
- ``obsm[key + ".latents"]``: the swept latents of every cell, ``(n_obs, n_factors)`` float32;
- ``uns[key]``: the manifest as one JSON text (provenance, steps, ranges, nearest cells, labels).

All of it is decoded or of the model; none of it is counts.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import DataError
from glasscell.explain.store import PREFIX, slug
from glasscell.explain.traversal.label import LabelLink
from glasscell.explain.traversal.nearest import Nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anndata import AnnData
    from numpy.typing import NDArray

    from glasscell.explain.traversal.result import Traversal

FORMAT_VERSION = 1
METHOD = f"{PREFIX}traversal."
_WORDS = ("start_name", "unit", "model", "data", "observations", "n_drawn", "seed", "digest", "named")


@dataclass(frozen=True, eq=False, kw_only=True)
class StoredTraversal:
    """What is kept of a traversal in a file; the fields are those of ``Traversal``.

    Parameters
    ----------
    words
        Provenance: start, unit, ids, seed.
    effects_kfg
        Slope and the four possible effects, ``(n_factors, 5, n_genes)``.
    latent_ck
        Swept latents of every cell.
    """

    key: str
    words: Mapping[str, Any]
    factors: tuple[int, ...]
    names: tuple[str, ...]
    genes: tuple[str, ...]
    values_ks: NDArray[np.float64]
    low_k: NDArray[np.float64]
    high_k: NDArray[np.float64]
    start_k: NDArray[np.float64]
    nearest: Nearest
    links: tuple[tuple[LabelLink, ...], ...]
    change_ksg: NDArray[np.float32]
    effects_kfg: NDArray[np.float64]
    latent_ck: NDArray[np.float32]

    def equals(self, other: StoredTraversal) -> bool:
        """Whether two stored results hold the same, NaN equal to NaN."""
        return self.manifest() == other.manifest() and all(
            np.array_equal(getattr(self, name), getattr(other, name), equal_nan=True)
            for name in ("change_ksg", "effects_kfg", "latent_ck")
        )

    def manifest(self) -> str:
        """Return everything but the tables, as JSON."""
        content = {
            "format_version": FORMAT_VERSION,
            "words": dict(self.words),
            "factors": list(self.factors),
            "names": list(self.names),
            "genes": list(self.genes),
            **{name: getattr(self, name).tolist() for name in ("values_ks", "low_k", "high_k", "start_k")},
            "nearest_cells": self.nearest.cells_ksm.tolist(),
            "nearest_distance": self.nearest.distance_ks.tolist(),
            "typical_distance": self.nearest.typical,
            "links": [[asdict(link) for link in links] for links in self.links],
        }
        return json.dumps(content, sort_keys=True)


def store_traversal(found: Traversal, name: str = "") -> StoredTraversal:
    """Take from a traversal what a file keeps."""
    last = slug(name) if name else f"{slug(found.start_name)}-{found.digest[:12]}"
    parts: list[NDArray[Any]] = [found.slope_kg[:, None], found.highest_kdg[:, :1], found.lowest_kdg[:, :1]]
    parts += [found.highest_kdg[:, 1:], found.lowest_kdg[:, 1:]]
    return StoredTraversal(
        key=f"{METHOD}{last}",
        words={name: getattr(found, name) for name in _WORDS},
        factors=found.factors,
        names=found.names,
        genes=found.genes,
        values_ks=np.asarray(found.values_ks, np.float64),
        low_k=np.asarray(found.low_k, np.float64),
        high_k=np.asarray(found.high_k, np.float64),
        start_k=np.asarray(found.start_k, np.float64),
        nearest=found.nearest,
        links=found.links,
        change_ksg=found.change_ksg,
        effects_kfg=np.concatenate(parts, axis=1, dtype=np.float64),
        latent_ck=np.ascontiguousarray(found.latent_cz[:, list(found.factors)]),
    )


def write_traversal(adata: AnnData, found: Traversal, name: str = "") -> str:
    """Write a traversal into an AnnData of the caller's choice (a copy, as a rule) and return its key.

    Raises
    ------
    DataError
        The AnnData has another number of cells, or none of the model's genes.
    """
    if adata.n_obs != len(found.latent_cz):
        raise DataError(
            f"This traversal is of {len(found.latent_cz):,} cells and the table has {adata.n_obs:,}."
        )
    kept = store_traversal(found, name)
    place = {str(gene): row for row, gene in enumerate(adata.var_names)}
    rows = np.array([place.get(gene, -1) for gene in kept.genes])
    if (rows < 0).any():
        raise DataError(f"The table lacks the gene {kept.genes[int((rows < 0).argmax())]} of the traversal.")

    def spread(table_kxg: NDArray[Any]) -> NDArray[Any]:
        wide = np.full((adata.n_vars, table_kxg.shape[0] * table_kxg.shape[1]), np.nan, table_kxg.dtype)
        wide[rows] = table_kxg.reshape(-1, table_kxg.shape[2]).T
        return wide

    adata.varm[kept.key] = spread(kept.change_ksg)
    adata.varm[f"{kept.key}.effects"] = spread(kept.effects_kfg)
    adata.obsm[f"{kept.key}.latents"] = kept.latent_ck
    adata.uns[kept.key] = kept.manifest()
    return kept.key


def read_traversals(adata: AnnData) -> tuple[StoredTraversal, ...]:
    """Read every traversal an AnnData holds, sorted by key; entries that are not ours are left alone.

    Raises
    ------
    DataError
        An entry under one of our keys is damaged or from a newer version.
    """
    keys = sorted(str(key) for key in adata.uns if str(key).startswith(METHOD) and key in adata.varm)
    return tuple(_read_one(adata, key) for key in keys)


def _read_one(adata: AnnData, key: str) -> StoredTraversal:
    try:
        content: dict[str, Any] = json.loads(str(adata.uns[key]))
        if content["format_version"] > FORMAT_VERSION:
            raise DataError(f"The result {key} was written by a newer version; update Glasscell to read it.")
        place = {str(gene): row for row, gene in enumerate(adata.var_names)}
        rows = [place[gene] for gene in content["genes"]]
        n_factors = len(content["factors"])

        def gather(name: str) -> NDArray[Any]:
            wide = np.asarray(adata.varm[name])[rows]
            return np.ascontiguousarray(wide.T.reshape(n_factors, -1, len(rows)))

        return StoredTraversal(
            key=key,
            words=content["words"],
            factors=tuple(content["factors"]),
            names=tuple(content["names"]),
            genes=tuple(content["genes"]),
            **{name: np.asarray(content[name]) for name in ("values_ks", "low_k", "high_k", "start_k")},
            nearest=Nearest(
                np.asarray(content["nearest_cells"], np.int32),
                np.asarray(content["nearest_distance"], np.float32),
                float(content["typical_distance"]),
            ),
            links=tuple(tuple(LabelLink(**link) for link in links) for links in content["links"]),
            change_ksg=gather(key),
            effects_kfg=gather(f"{key}.effects"),
            latent_ck=np.asarray(adata.obsm[f"{key}.latents"], np.float32),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"The result {key} in this file is damaged ({error}); remove it or traverse again."
        ) from error
