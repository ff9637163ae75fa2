"""Whether two groups of cells were made from the counts that are about to tell them apart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from glasscell.data.column import categorical_codes, is_continuous
from glasscell.data.selection import And, Category, Cells, Everything, Lasso, Not, Or, Range, Selection

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset

_CLUSTERING = re.compile(
    r"leiden|louvain|cluster|k_?means|phenograph|metacell|mclust|cell_?type|cell_?class|subclass|annotation"
    r"|predict|transferred|(^|_)res[._]?\d|rna_snn|pseudotime",
    re.IGNORECASE,
)
_DRAWN = "the cells were drawn on an embedding of these counts"
ADVICE = (
    "so testing them on the same counts would call noise significant: p-values are not shown, and genes are "
    "only ranked. If the groups came from elsewhere (sorted cells, staining, histology), say that they are "
    "independent."
)
FROZEN = (
    "The groups are taken as drawn on the tissue; if they came from clusters of these counts or from an "
    "embedding, the p-values do not hold."
)


def same_counts(a: Selection, b: Selection, dataset: Dataset) -> str:
    """Say why p-values between two selections would be circular; empty when nothing speaks for it.

    What both sides share (``condition=stim;cell_type=B`` against ``condition=ctrl;cell_type=B``) does not
    tell them apart and is left aside. Names of columns are all there is to go by: clusterings, cell types
    and predictions are made from the counts as a rule.
    """
    for leaf in _differing(a, b):
        reason = _reason(leaf, dataset)
        if reason:
            return f"A and B were made from these counts ({reason}), {ADVICE}"
    return ""


def has_frozen(a: Selection, b: Selection) -> bool:
    """Tell whether a side is a set of cells of which nobody knows where it came from."""
    return any(isinstance(leaf, Cells) for leaf in _differing(a, b))


def _differing(a: Selection, b: Selection) -> list[Selection]:
    of_a, of_b = set(_leaves(a)), set(_leaves(b))
    return list(dict.fromkeys(leaf for leaf, _ in sorted(of_a ^ of_b, key=repr)))


def _leaves(selection: Selection, negated: bool = False) -> list[tuple[Selection, bool]]:
    if isinstance(selection, And | Or):
        return [leaf for part in selection.parts for leaf in _leaves(part, negated)]
    if isinstance(selection, Not):
        return _leaves(selection.part, not negated)
    return [] if isinstance(selection, Everything) else [(selection, negated)]


def _reason(leaf: Selection, dataset: Dataset) -> str:
    if isinstance(leaf, Lasso):
        return _DRAWN if leaf.space != "tissue" else ""
    if isinstance(leaf, Category | Range):
        if leaf.ref.kind == "obs":
            return f'column "{leaf.ref.key}"' if _CLUSTERING.search(leaf.ref.key) else ""
        if leaf.ref.kind in ("group", "groups", "position"):
            return ""
        return f"{leaf.ref.kind} {leaf.ref.key}"
    if isinstance(leaf, Cells):
        if dataset.positions_cd is None:
            return "without places, cells can only have been chosen on an embedding or by their values"
        return _equal_column(leaf, dataset)
    return ""


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
