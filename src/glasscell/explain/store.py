"""Results written into an AnnData under documented keys, and read back equal.

One result takes one key, ``glasscell.<method>.<slug>``:

- ``obsm[key]``: attribution of the selection's top genes, ``(n_obs, n_top)`` float32, NaN elsewhere;
- ``varm[key]``: mean attribution per group of cells, ``(n_vars, n_groups)`` float32, NaN for other genes;
- ``uns[key]``: the manifest as one JSON text (names of genes and groups, provenance, figures, ranking).

A dense table of cells x genes is never written.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import DataError
from glasscell.explain.evidence import RankedGene, ranking
from glasscell.explain.result import Bools, Explanation, Provenance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anndata import AnnData
    from numpy.typing import NDArray

PREFIX = "glasscell."
FORMAT_VERSION = 1
SELECTION = "selection"


@dataclass(frozen=True, eq=False)
class StoredExplanation:
    """What is kept of an explanation in a file.

    Parameters
    ----------
    maps_ct
        Attribution of the top genes, ``(n_cells, n_top)``.
    means_gs
        Mean attribution per group, over the file's genes, ``(n_genes, n_groups)``.
    """

    key: str
    provenance: Provenance
    ranking: tuple[RankedGene, ...]
    groups: tuple[str, ...]
    diagnostics: Mapping[str, float]
    missing: tuple[str, ...]
    maps_ct: NDArray[np.float32]
    means_gs: NDArray[np.float32]

    @property
    def genes(self) -> tuple[str, ...]:
        """The top genes, in order."""
        return tuple(row.gene for row in self.ranking)

    def gene(self, gene: str) -> NDArray[np.float32]:
        """Return the stored map of one gene, ``(n_cells,)``."""
        if gene not in self.genes:
            raise DataError(
                f"The file keeps maps of {', '.join(self.genes)}, not of {gene!r}; explain again to see it."
            )
        return self.maps_ct[:, self.genes.index(gene)]

    def group_mean(self, group: str) -> NDArray[np.float32]:
        """Return the mean attribution of one group, over the file's genes, ``(n_genes,)``."""
        if group not in self.groups:
            raise DataError(f"The file keeps means of {', '.join(self.groups)}, not of {group!r}.")
        return self.means_gs[:, self.groups.index(group)]

    def equals(self, other: StoredExplanation) -> bool:
        """Whether two stored results hold the same, NaN equal to NaN."""
        return (
            self.manifest() == other.manifest()
            and np.array_equal(self.maps_ct, other.maps_ct, equal_nan=True)
            and np.array_equal(self.means_gs, other.means_gs, equal_nan=True)
        )

    def manifest(self) -> str:
        """Return everything but the tables, as JSON."""
        diagnostics = {name: None if np.isnan(value) else value for name, value in self.diagnostics.items()}
        content = {
            "format_version": FORMAT_VERSION,
            "provenance": self.provenance.to_json(),
            "ranking": [asdict(row) for row in self.ranking],
            "groups": list(self.groups),
            "diagnostics": diagnostics,
            "missing": list(self.missing),
        }
        return json.dumps(content, sort_keys=True)


def slug(text: str) -> str:
    """Turn a name into the last part of a key: letters, digits, dash and underscore."""
    short = re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")
    return short or "result"


def key_of(explanation: Explanation, name: str = "") -> str:
    """Return the key a result is written under; without a name, target and a digest of its provenance."""
    last = slug(name) if name else f"{slug(explanation.target)}-{explanation.id.rpartition('-')[2]}"
    return f"{PREFIX}{slug(explanation.method)}.{last}"


def store(
    explanation: Explanation,
    gene_names: NDArray[np.str_],
    *,
    mask: Bools | None = None,
    groups: Mapping[str, Bools] | None = None,
    name: str = "",
    k: int = 20,
) -> StoredExplanation:
    """Reduce an explanation to what a file keeps.

    Parameters
    ----------
    gene_names
        Genes of the file, in order; the model's may be some of them.
    mask
        The selection whose top genes are kept; None for all explained cells.
    groups
        Further groups of cells whose means are kept, name to mask.
    k
        How many genes' maps are kept.
    """
    rows = ranking(explanation, mask, k=k)
    everyone = np.ones(explanation.n_cells, bool) if mask is None else np.asarray(mask, bool)
    wanted = {SELECTION: everyone, **(groups or {})}
    kept = {group: part for group, part in wanted.items() if len(explanation.rows(part))}
    place = {str(gene): row for row, gene in enumerate(gene_names)}
    where = np.array([place.get(gene, -1) for gene in explanation.genes])
    means_gs = np.full((len(gene_names), len(kept)), np.nan, np.float32)
    for column, part in enumerate(kept.values()):
        means_gs[where[where >= 0], column] = explanation.mean(part)[where >= 0]
    maps_ct = np.full((explanation.n_cells, len(rows)), np.nan, np.float32)
    for column, row in enumerate(rows):
        maps_ct[:, column] = np.where(everyone, explanation.gene(row.gene), np.nan)
    return StoredExplanation(
        key=key_of(explanation, name),
        provenance=explanation.provenance,
        ranking=rows.rows,
        groups=tuple(kept),
        diagnostics=dict(explanation.diagnostics),
        missing=rows.missing,
        maps_ct=maps_ct,
        means_gs=means_gs,
    )


def write_back(
    adata: AnnData,
    explanation: Explanation,
    *,
    mask: Bools | None = None,
    groups: Mapping[str, Bools] | None = None,
    name: str = "",
    k: int = 20,
) -> str:
    """Write a result into an AnnData of the caller's choice (a copy, as a rule) and return its key.

    Raises
    ------
    DataError
        The AnnData has another number of cells.
    """
    if adata.n_obs != explanation.n_cells:
        raise DataError(
            f"This explanation is of {explanation.n_cells:,} cells and the table has {adata.n_obs:,}."
        )
    kept = store(explanation, np.asarray(adata.var_names), mask=mask, groups=groups, name=name, k=k)
    adata.obsm[kept.key] = kept.maps_ct
    adata.varm[kept.key] = kept.means_gs
    adata.uns[kept.key] = kept.manifest()
    return kept.key


def read_back(adata: AnnData) -> tuple[StoredExplanation, ...]:
    """Read every result an AnnData holds, sorted by key; entries that are not ours are left alone.

    Raises
    ------
    DataError
        An entry under one of our keys is damaged or from a newer version.
    """
    keys = sorted(
        key for key in adata.uns if str(key).startswith(PREFIX) and key in adata.obsm and key in adata.varm
    )
    return tuple(_read_one(adata, str(key)) for key in keys)


def _read_one(adata: AnnData, key: str) -> StoredExplanation:
    try:
        content: dict[str, Any] = json.loads(str(adata.uns[key]))
        if content["format_version"] > FORMAT_VERSION:
            raise DataError(f"The result {key} was written by a newer version; update Glasscell to read it.")
        found = content["diagnostics"]
        return StoredExplanation(
            key=key,
            provenance=Provenance.from_json(content["provenance"]),
            ranking=tuple(RankedGene(**row) for row in content["ranking"]),
            groups=tuple(content["groups"]),
            diagnostics={name: np.nan if value is None else float(value) for name, value in found.items()},
            missing=tuple(content["missing"]),
            maps_ct=np.asarray(adata.obsm[key], np.float32),
            means_gs=np.asarray(adata.varm[key], np.float32),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"The result {key} in this file is damaged ({error}); remove it or explain again."
        ) from error
