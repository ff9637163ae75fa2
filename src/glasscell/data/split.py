"""Splits: which cells are held out together, so that a figure on held-out cells means what it says.

Schemes from strict to lenient: donor, section, blocks (neighbouring cells leak into each other), random. A
column of obs or a file of folds may be named instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from glasscell.data.block import assign_blocks, near_other_fold, spatial_blocks
from glasscell.data.column import categorical_codes, is_continuous, missing_name
from glasscell.data.design import find_design
from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.data.channel import BoolArray, CodeArray
    from glasscell.data.dataset import Dataset
    from glasscell.data.labels import Labels
    from glasscell.data.section import Sections

SCHEMES = ("donor", "section", "blocks", "random")
BLOCKS_PER_SIDE = 4
MAX_FOLDS = 50


@dataclass(frozen=True, eq=False)
class Split:
    """The fold of every cell.

    Parameters
    ----------
    scheme
        The scheme as asked for; figures on held-out cells must name it.
    folds
        int32, shape ``(n_cells,)``; -1 where the cell is not used.
    blocks
        int32, shape ``(n_cells,)``, index into `block_names`; a block always lies within one fold. -1 where
        not used.
    block_names
        Name of each block.
    description
        One sentence for people.
    warnings
        Sentences on what the split cannot show.
    near_cf
        bool, shape ``(n_cells, n_folds)``: the cells too near to a fold to be trained on when it is held
        out, or None.
    """

    scheme: str
    folds: CodeArray
    blocks: CodeArray
    block_names: tuple[str, ...]
    description: str
    warnings: tuple[str, ...] = ()
    near_cf: BoolArray | None = None

    @property
    def n_folds(self) -> int:
        """Return the number of folds."""
        return int(self.folds.max(initial=-1)) + 1

    def held_out(self, fold: int) -> BoolArray:
        """Return the cells of one fold, bool of shape ``(n_cells,)``."""
        return np.asarray(self.folds == fold)

    def training(self, fold: int) -> BoolArray:
        """Return the cells to train on when `fold` is held out: the other folds less the gap around it."""
        mask = np.asarray((self.folds >= 0) & (self.folds != fold))
        return mask if self.near_cf is None else mask & ~self.near_cf[:, fold]

    def block_of(self, cell: int) -> str:
        """Return the name of one cell's block, empty when it has none."""
        block = int(self.blocks[cell])
        return "" if block < 0 else self.block_names[block]


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
        return _split_column(dataset, scheme)
    if Path(scheme).suffix.lower() == ".csv":
        return _split_file(dataset, Path(scheme))
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
    blocks, block_names = _present(codes, names)
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


def _split_column(dataset: Dataset, scheme: str) -> Split:
    column = scheme.removeprefix("obs:")
    if column not in dataset.obs.columns:
        raise DataError(missing_name("obs column", column, dataset.obs.columns))
    if is_continuous(dataset.obs[column]):
        raise DataError(f'The obs column "{column}" holds numbers; a split needs a column of categories.')
    codes, names = categorical_codes(dataset.obs[column])
    return _each_value(scheme, codes, names, f'the obs column "{column}"')


def _split_file(dataset: Dataset, path: Path) -> Split:
    if not path.is_file():
        raise DataError(
            f"There is no file {path} to read folds from; give a CSV file with the columns cell and fold."
        )
    try:
        table = pd.read_csv(path, dtype=str)
    except (ValueError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as a CSV file: {error}") from error
    if not {"cell", "fold"} <= set(table.columns):
        raise DataError(
            f"{path} needs the columns cell and fold; it has {', '.join(map(str, table.columns))}."
        )
    if table["cell"].duplicated().any():
        raise DataError(
            f"{path} names the cell {table['cell'][table['cell'].duplicated()].iloc[0]} more than once."
        )
    fold_of_cell = table.set_index("cell")["fold"].reindex(pd.Index(dataset.cell_names).astype(str))
    if fold_of_cell.isna().all():
        raise DataError(f"None of the cells in {path} is in this dataset; check the cell names.")
    codes, names = categorical_codes(fold_of_cell)
    result = _each_value(str(path), codes, names, path.name)
    unused = int((result.folds < 0).sum())
    said = (f"{unused:,} cells are not named in {path.name} and are not used.",) if unused else ()
    return Split(result.scheme, result.folds, result.blocks, result.block_names, result.description, said)


def _each_value(scheme: str, codes: CodeArray, names: Sequence[str], source: str) -> Split:
    blocks, block_names = _present(codes, names)
    if not 2 <= len(block_names) <= MAX_FOLDS:
        raise DataError(
            f"A split needs 2 to {MAX_FOLDS} folds, and {source} has {len(block_names)} different values; "
            "choose another column."
        )
    return Split(
        scheme,
        blocks.copy(),
        blocks,
        block_names,
        f"Each of {len(block_names)} values of {source} is held out in turn.",
    )


def _present(codes: CodeArray, names: Sequence[str]) -> tuple[CodeArray, tuple[str, ...]]:
    """Renumber the codes so that only names with cells remain."""
    there = np.unique(codes[codes >= 0])
    new_code = np.full(len(names) + 1, -1, dtype=np.int32)
    new_code[there] = np.arange(len(there), dtype=np.int32)
    return new_code[codes], tuple(names[code] for code in there)


def _class_counts(blocks: CodeArray, n_blocks: int, labels: Labels | None) -> npt.NDArray[np.int64]:
    codes = np.zeros(len(blocks), np.int32) if labels is None else labels.codes
    n_classes = 1 if labels is None else len(labels.classes)
    counts_bk = np.zeros((n_blocks, n_classes), dtype=np.int64)
    used = (blocks >= 0) & (codes >= 0)
    np.add.at(counts_bk, (blocks[used], codes[used]), 1)
    return counts_bk
