"""Splits: which cells are held out together, so that a figure on held-out cells means what it says.

Schemes from strict to lenient: donor, section, blocks (neighbouring cells leak into each other), random. A
column of obs or a file of folds may be named instead.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from glasscell.data.block import assign_blocks, near_other_fold, spatial_blocks
from glasscell.data.design import find_design
from glasscell.data.fold import Split
from glasscell.data.split_given import MAX_FOLDS, present, split_column, split_file
from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.data.channel import CodeArray
    from glasscell.data.dataset import Dataset
    from glasscell.data.labels import Labels
    from glasscell.data.section import Sections

__all__ = ["BLOCKS_PER_SIDE", "MAX_FOLDS", "SCHEMES", "Split", "allowed_schemes", "default_scheme", "split"]

SCHEMES = ("donor", "section", "blocks", "random")
BLOCKS_PER_SIDE = 4


def allowed_schemes(dataset: Dataset) -> tuple[str, ...]:
    """List the schemes that a dataset allows, strictest first: the first is the default.

    Cells of several samples or batches without places are split by those; random cells are for one sample.
    """
    allowed = []
    if _several(_donors(dataset)):
        allowed.append("donor")
    if _several(dataset.sections):
        allowed.append("section")
    if dataset.positions_cd is not None:
        allowed.append("blocks")
    samples = find_design(dataset).samples
    if samples is not None and _several(samples) and samples.source:
        allowed.append(f"obs:{samples.source}")
    return (*allowed, "random")


def default_scheme(dataset: Dataset) -> str:
    """Return the strictest scheme the dataset allows."""
    return allowed_schemes(dataset)[0]


def _several(groups: Sections | None) -> bool:
    return groups is not None and 1 < len(groups.names) <= MAX_FOLDS


def _donors(dataset: Dataset) -> Sections | None:
    """Return the donors, also where samples are named after condition and donor."""
    return dataset.donors if dataset.donors is not None else find_design(dataset).donors


def split(
    dataset: Dataset,
    scheme: str,
    *,
    n_folds: int = 4,
    seed: int = 0,
    labels: Labels | None = None,
    gap: float = 0.0,
) -> Split:
    """Divide the cells into folds.

    Parameters
    ----------
    dataset
        The dataset.
    scheme
        "donor", "section", "blocks", "random", "obs:COLUMN" (each value is a fold), or the path of a CSV
        file with the columns cell and fold.
    n_folds
        Folds of "blocks" and "random"; the most folds of "donor" and "section", which otherwise take one
        fold each.
    seed
        Same seed, same folds.
    labels
        Classes to spread evenly over the folds of "blocks" and "random".
    gap
        Width of the strip around a held-out block, in units of the positions, that is not trained on.

    Raises
    ------
    DataError
        The dataset does not have what the scheme needs.
    """
    if not 2 <= n_folds <= MAX_FOLDS:
        raise DataError(f"A split needs 2 to {MAX_FOLDS} folds, not {n_folds}.")
    if scheme == "blocks":
        return _split_blocks(dataset, n_folds, seed, labels, gap)
    if gap:
        raise DataError(f'A gap is for the scheme "blocks"; leave it out with "{scheme}".')
    if scheme in ("donor", "section"):
        table = _donors(dataset) if scheme == "donor" else dataset.sections
        if table is None or len(table.names) < 2:
            raise DataError(
                f"This dataset has fewer than two {scheme}s, so none can be held out; name the column with "
                f'--{scheme} or choose the split "{"random" if dataset.positions_cd is None else "blocks"}".'
            )
        return _split_values(scheme, table.codes, table.names, n_folds, seed, labels)
    if scheme == "random":
        return _split_random(dataset, n_folds, seed, labels)
    if scheme.startswith("obs:"):
        return split_column(dataset, scheme)
    if Path(scheme).suffix.lower() == ".csv":
        return split_file(dataset, Path(scheme))
    raise DataError(
        f'There is no split "{scheme}"; choose {", ".join(SCHEMES)}, obs:COLUMN, or a CSV file with cell '
        "and fold."
    )


def _split_blocks(dataset: Dataset, n_folds: int, seed: int, labels: Labels | None, gap: float) -> Split:
    if dataset.positions_cd is None:
        raise DataError(
            'These cells have no positions, so there are no spatial blocks; choose the split "random".'
        )
    sections = dataset.sections
    many = sections is not None and len(sections.names) > 1
    section_c = sections.codes if sections is not None else np.zeros(dataset.n_cells, np.int32)
    names = sections.names if sections is not None else ("section",)
    blocks, keys = spatial_blocks(dataset.positions_cd, section_c, BLOCKS_PER_SIDE)
    if len(keys) < n_folds:
        raise DataError(
            f"These {dataset.n_cells} cells make only {len(keys)} spatial blocks, too few for {n_folds} "
            'folds; ask for fewer folds or choose the split "random".'
        )
    block_names = tuple(f"{names[s]} {x + 1},{y + 1}" if many else f"{x + 1},{y + 1}" for s, x, y in keys)
    used = blocks >= 0
    fold_of_block = assign_blocks(_class_counts(blocks, len(keys), labels), n_folds, seed)
    folds = np.where(used, fold_of_block[blocks], -1).astype(np.int32)
    near = near_other_fold(dataset.positions_cd, section_c, folds, n_folds, gap) if gap > 0 else None
    n_sections = len(np.unique(section_c[used]))
    strip = f", with a gap of {gap:g} {dataset.position_unit}" if gap > 0 else ""
    return Split(
        "blocks",
        folds,
        blocks,
        block_names,
        f"{len(keys)} spatial blocks ({BLOCKS_PER_SIDE} x {BLOCKS_PER_SIDE} in each of {n_sections} "
        f"section{'' if n_sections == 1 else 's'}) in {n_folds} folds of whole blocks{strip}.",
        near_cf=near,
    )


def _split_values(
    scheme: str, codes: CodeArray, names: Sequence[str], n_folds: int, seed: int, labels: Labels | None
) -> Split:
    blocks, block_names = present(codes, names)
    if len(block_names) <= n_folds:
        fold_of_block = np.arange(len(block_names), dtype=np.int32)
        sentence = f"Each of {len(block_names)} {scheme}s is held out in turn."
    else:
        fold_of_block = assign_blocks(_class_counts(blocks, len(block_names), labels), n_folds, seed)
        sentence = f"{len(block_names)} {scheme}s in {n_folds} folds of whole {scheme}s."
    folds = np.where(blocks >= 0, fold_of_block[blocks], -1).astype(np.int32)
    return Split(scheme, folds, blocks, block_names, sentence)


def _split_random(dataset: Dataset, n_folds: int, seed: int, labels: Labels | None) -> Split:
    if dataset.n_cells < 2 * n_folds:
        raise DataError(f"{dataset.n_cells} cells are too few for {n_folds} folds; ask for fewer folds.")
    order = np.random.default_rng(seed).permutation(dataset.n_cells)
    if labels is not None:
        order = order[np.argsort(labels.codes[order], kind="stable")]
    folds = np.empty(dataset.n_cells, dtype=np.int32)
    folds[order] = np.arange(dataset.n_cells, dtype=np.int32) % n_folds
    warnings: tuple[str, ...] = ()
    if dataset.positions_cd is not None:
        warnings = (
            "Under a random split neighbouring cells leak into each other, and coordinates alone can look "
            'accurate; use the split "blocks" for a figure to rely on.',
        )
    elif (other := default_scheme(dataset)) != "random":
        warnings = (
            "These cells are of several samples: a random split says nothing about a new one; use the split "
            f'"{other}" for that.',
        )
    names = tuple(f"fold {fold + 1}" for fold in range(n_folds))
    return Split("random", folds, folds.copy(), names, f"Random cells in {n_folds} folds.", warnings)


def _class_counts(blocks: CodeArray, n_blocks: int, labels: Labels | None) -> npt.NDArray[np.int64]:
    codes = np.zeros(len(blocks), np.int32) if labels is None else labels.codes
    n_classes = 1 if labels is None else len(labels.classes)
    counts_bk = np.zeros((n_blocks, n_classes), dtype=np.int64)
    used = (blocks >= 0) & (codes >= 0)
    np.add.at(counts_bk, (blocks[used], codes[used]), 1)
    return counts_bk
