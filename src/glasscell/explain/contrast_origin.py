"""Whether two groups of cells were made from the counts that are about to tell them apart."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import numpy as np

from glasscell.data.column import categorical_codes, is_continuous
from glasscell.data.selection import And, Category, Cells, Everything, Lasso, Not, Or, Range, Selection

if TYPE_CHECKING:
    from collections.abc import Collection

    from glasscell.data.dataset import Dataset

_CLUSTERING = re.compile(
    r"leiden|louvain|cluster|k_?means|phenograph|metacell|mclust|cell_?type|cell_?class|subclass|annotation"
    r"|predict|transferred|(^|_)res[._]?\d|rna_snn|pseudotime|^ident$|active\.ident|domain|bayesspace|spagcn"
    r"|stagate|graphst|banksy|bulk_?labels|lineage|major_?type|celltypist|singler|seurat_|niche|cell_?state",
    re.IGNORECASE,
)
_DRAWN = "the cells were drawn on an embedding of these counts"
ADVICE = (
    "so testing them on the same counts would call noise significant: p-values are not shown, and genes are "
    "only ranked. If the groups came from elsewhere (sorted cells, staining, histology), say that they are "
    "independent."
)
_UNKNOWN = "nobody knows where these cells were chosen, so it may have been by their counts"
_OURS = "glasscell.group"


def same_counts(a: Selection, b: Selection, dataset: Dataset, known: Collection[str] = ()) -> str:
    """Say why p-values between two selections would be circular; empty when nothing speaks for it.

    What both sides share (``condition=stim;cell_type=B`` against ``condition=ctrl;cell_type=B``) does not
    tell them apart and is left aside. Names of columns are all there is to go by: clusterings, cell types
    and predictions are made from the counts as a rule. Single cells count as chosen by their counts unless
    it is known that they were not.

    Parameters
    ----------
    known
        Digests of cells that were chosen on the tissue or by columns that have nothing to do with the counts.
    """
    for leaf in _differing(a, b):
        reason = _reason(leaf, dataset, known)
        if reason:
            return f"A and B were made from these counts ({reason}), {ADVICE}"
    return ""


def is_independent(selection: Selection, dataset: Dataset, known: Collection[str] = ()) -> bool:
    """Tell whether cells were chosen without their counts, as far as the selection says."""
    return not any(_reason(leaf, dataset, known) for leaf, _ in _leaves(selection))


def _differing(a: Selection, b: Selection) -> list[Selection]:
    of_a, of_b = set(_leaves(a)), set(_leaves(b))
    return list(dict.fromkeys(leaf for leaf, _ in sorted(of_a ^ of_b, key=repr)))


def _leaves(selection: Selection, negated: bool = False) -> list[tuple[Selection, bool]]:
    if isinstance(selection, And | Or):
        return [leaf for part in selection.parts for leaf in _leaves(part, negated)]
    if isinstance(selection, Not):
        return _leaves(selection.part, not negated)
    return [] if isinstance(selection, Everything) else [(selection, negated)]


def _reason(leaf: Selection, dataset: Dataset, known: Collection[str]) -> str:
    if isinstance(leaf, Lasso):
        return _DRAWN if leaf.space != "tissue" else ""
    if isinstance(leaf, Category | Range):
        if leaf.ref.kind == "obs" and leaf.ref.key.startswith(_OURS):
            return "" if _said_independent(leaf.ref.key, dataset) else _UNKNOWN
        if leaf.ref.kind == "obs":
            return f'column "{leaf.ref.key}"' if _CLUSTERING.search(leaf.ref.key) else ""
        if leaf.ref.kind == "position":
            return ""
        if leaf.ref.kind in ("group", "groups"):
            return _UNKNOWN
        return f"{leaf.ref.kind} {leaf.ref.key}"
    if isinstance(leaf, Cells):
        if leaf.digest not in known:
            return _equal_column(leaf, dataset) or _UNKNOWN
        return _equal_column(leaf, dataset)
    return ""


def _said_independent(key: str, dataset: Dataset) -> bool:
    """Read from the file whether a named group (or every one) was made without the counts."""
    uns = dataset.adata.uns
    keys = [str(one) for one in uns if str(one).startswith(f"{_OURS}.")] if key == f"{_OURS}s" else [key]
    try:
        return bool(keys) and all(bool(json.loads(str(uns[one])).get("independent")) for one in keys)
    except (KeyError, ValueError, AttributeError):
        return False


def _equal_column(cells: Cells, dataset: Dataset) -> str:
    """Name the clustering of which the cells are whole clusters."""
    mask = np.zeros(dataset.n_cells, np.bool_)
    mask[cells.indices] = True
    for column in dataset.obs.columns:
        if not _CLUSTERING.search(str(column)) or is_continuous(dataset.obs[column]):
            continue
        codes, names = categorical_codes(dataset.obs[column])
        inside = np.bincount(codes[mask & (codes >= 0)], minlength=len(names))
        whole = np.bincount(codes[codes >= 0], minlength=len(names))
        if mask.any() and (codes[mask] >= 0).all() and ((inside == 0) | (inside == whole)).all():
            return f'whole groups of column "{column}"'
    return ""
