"""Attention written into an AnnData under documented keys, and read back equal.

One result takes one key, ``glasscell.attention.<slug>``:

- ``obsm[key]``: attention relative to uniform (map ``mean``) of the kept columns, then the change when each
  is removed, ``(n_obs, 2 x n_kept)`` float32, NaN where it was not asked or measured;
- ``obsp[key]`` and ``obsp[key + ".removed"]``: for models of neighbours the weight of every edge relative to
  uniform, and the change when it is removed (measured edges only), CSR with receivers as rows;
- ``uns[key]``: the manifest as one JSON text (provenance, tables by group, notes).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from glasscell.errors import DataError
from glasscell.explain.attention.provenance import AttentionProvenance
from glasscell.explain.store import PREFIX, slug

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

    from glasscell.explain.attention.edge_result import EdgeAttention
    from glasscell.explain.attention.result import Attention, Floats, Ints

FORMAT_VERSION = 1
#: Columns whose cell values a file keeps: those with the largest change on removal in any group.
KEPT_COLUMNS = 20
_TABLES = ("weight_mgt", "relative_mgt", "z_twin_mgt", "z_random_mgt", "removed_gt", "n_removed_gt")


@dataclass(frozen=True, eq=False, kw_only=True)
class StoredAttention:
    """What is kept of attention in a file; the tables are those of ``Attention``.

    Parameters
    ----------
    kept
        Columns whose cell values are kept.
    relative_ck, removed_ck
        Their values, ``(n_cells, n_kept)`` float32.
    edges, edges_removed
        Per edge, CSR ``(n_cells, n_cells)``, receivers as rows; None for models of tokens.
    """

    key: str
    provenance: AttentionProvenance
    groups: tuple[str, ...]
    columns: tuple[str, ...]
    maps: tuple[str, ...]
    notes: tuple[str, ...]
    weight_mgt: Floats
    relative_mgt: Floats
    z_twin_mgt: Floats
    z_random_mgt: Floats
    removed_gt: Floats
    n_removed_gt: Ints
    kept: tuple[str, ...]
    relative_ck: NDArray[np.float32]
    removed_ck: NDArray[np.float32]
    edges: sparse.csr_matrix | None = None
    edges_removed: sparse.csr_matrix | None = None

    def equals(self, other: StoredAttention) -> bool:
        """Whether two stored results hold the same, NaN equal to NaN."""
        if self.manifest() != other.manifest():
            return False
        for field in fields(self):
            mine, theirs = getattr(self, field.name), getattr(other, field.name)
            if isinstance(mine, np.ndarray) and not np.array_equal(mine, theirs, equal_nan=True):
                return False
            if sparse.issparse(mine) and not _same(mine, theirs):
                return False
        return (self.edges is None) == (other.edges is None)

    def manifest(self) -> str:
        """Return everything but the values of cells and edges, as JSON."""
        content = {
            "format_version": FORMAT_VERSION,
            "provenance": self.provenance.to_json(),
            "tables": {name: _plain(getattr(self, name)) for name in _TABLES},
            **{name: list(getattr(self, name)) for name in ("groups", "columns", "maps", "notes", "kept")},
        }
        return json.dumps(content, sort_keys=True)


def store_attention(found: Attention, name: str = "", k: int = KEPT_COLUMNS) -> StoredAttention:
    """Reduce a result to what a file keeps."""
    change_t = np.nan_to_num(np.abs(found.removed_gt), nan=-1.0).max(axis=0, initial=-1.0)
    kept = tuple(found.columns[int(t)] for t in np.argsort(-change_t, kind="stable")[:k])
    values = {
        quantity: np.stack([found.cell_values(column, "mean", quantity) for column in kept], axis=1).astype(
            np.float32
        )
        for quantity in ("relative", "removed")
    }
    edges = removed = None
    if found.what != "token":
        along: EdgeAttention = found  # type: ignore[assignment]
        edges = _table(along, along.edge_values(), along.proper_e)
        removed = _table(along, along.removed_e, along.proper_e & np.isfinite(along.removed_e))
    last = slug(name) if name else f"{slug(found.provenance.by)}-{found.id.rpartition('-')[2]}"
    return StoredAttention(
        key=f"{PREFIX}attention.{last}",
        provenance=found.provenance,
        groups=found.groups,
        columns=found.columns,
        maps=found.maps,
        notes=found.notes,
        **{name: getattr(found, name) for name in _TABLES},
        kept=kept,
        relative_ck=values["relative"],
        removed_ck=values["removed"],
        edges=edges,
        edges_removed=removed,
    )


def write_attention(adata: AnnData, found: Attention, name: str = "", k: int = KEPT_COLUMNS) -> str:
    """Write attention into an AnnData of the caller's choice (a copy, as a rule) and return its key.

    Raises
    ------
    DataError
        The AnnData has another number of cells.
    """
    if adata.n_obs != found.n_cells:
        raise DataError(f"This attention is of {found.n_cells:,} cells and the table has {adata.n_obs:,}.")
    kept = store_attention(found, name, k)
    adata.obsm[kept.key] = np.concatenate([kept.relative_ck, kept.removed_ck], axis=1)
    if kept.edges is not None and kept.edges_removed is not None:
        adata.obsp[kept.key] = kept.edges
        adata.obsp[f"{kept.key}.removed"] = kept.edges_removed
    adata.uns[kept.key] = kept.manifest()
    return kept.key


def read_attention(adata: AnnData) -> tuple[StoredAttention, ...]:
    """Read all attention an AnnData holds, sorted by key; entries that are not ours are left alone.

    Raises
    ------
    DataError
        An entry under one of our keys is damaged or from a newer version.
    """
    mark = f"{PREFIX}attention."
    keys = sorted(key for key in map(str, adata.uns) if key.startswith(mark) and key in adata.obsm)
    return tuple(_read_one(adata, key) for key in keys)


def _read_one(adata: AnnData, key: str) -> StoredAttention:
    try:
        content: dict[str, Any] = json.loads(str(adata.uns[key]))
        if content["format_version"] > FORMAT_VERSION:
            raise DataError(f"The result {key} was written by a newer version; update Glasscell to read it.")
        tables: dict[str, Any] = {name: np.array(content["tables"][name], np.float64) for name in _TABLES}
        tables["n_removed_gt"] = tables["n_removed_gt"].astype(np.int32)
        values = np.asarray(adata.obsm[key], np.float32)
        parts = ("groups", "columns", "maps", "notes", "kept")
        words: dict[str, Any] = {name: tuple(content[name]) for name in parts}
        n_kept = len(content["kept"])
        pair = [adata.obsp.get(name) for name in (key, f"{key}.removed")]
        edges, removed = (None if one is None else sparse.csr_matrix(one) for one in pair)
        return StoredAttention(
            key=key,
            provenance=AttentionProvenance.from_json(content["provenance"]),
            **words,
            **tables,
            relative_ck=values[:, :n_kept],
            removed_ck=values[:, n_kept:],
            edges=edges,
            edges_removed=removed,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"The result {key} in this file is damaged ({error}); remove it or work it out again."
        ) from error


def _table(found: EdgeAttention, values_e: Floats, wanted: Any) -> sparse.csr_matrix:
    """Put edges into a table, receivers as rows, entries in order of sender."""
    shape = (found.n_cells, found.n_cells)
    values = np.asarray(values_e, np.float32)[wanted]
    made = sparse.csr_matrix((values, (found.receivers[wanted], found.senders[wanted])), shape=shape)
    made.sort_indices()
    return made


def _same(mine: sparse.csr_matrix, theirs: Any) -> bool:
    return sparse.issparse(theirs) and all(
        np.array_equal(getattr(mine, part), getattr(theirs, part)) for part in ("indptr", "indices", "data")
    )


def _plain(values: Any) -> Any:
    """Return lists in which NaN is null."""
    if values.dtype.kind != "f":
        return values.tolist()
    plain = values.astype(object)
    plain[~np.isfinite(values)] = None
    return plain.tolist()
