"""Splits that somebody has decided already: a column of obs, a file of folds, a name for each cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from glasscell.data.column import categorical_codes, is_continuous, missing_name
from glasscell.data.fold import Split
from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from glasscell.data.channel import CodeArray
    from glasscell.data.dataset import Dataset

MAX_FOLDS = 50


def split_column(dataset: Dataset, scheme: str) -> Split:
    """Hold out each value of an obs column in turn; ``scheme`` is ``obs:COLUMN``."""
    column = scheme.removeprefix("obs:")
    if column not in dataset.obs.columns:
        raise DataError(missing_name("obs column", column, dataset.obs.columns))
    if is_continuous(dataset.obs[column]):
        raise DataError(f'The obs column "{column}" holds numbers; a split needs a column of categories.')
    codes, names = categorical_codes(dataset.obs[column])
    return each_value(scheme, codes, names, f'the obs column "{column}"')


def split_file(dataset: Dataset, path: Path) -> Split:
    """Read folds from a CSV file with the columns cell and fold."""
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
    result = each_value(str(path), codes, names, path.name)
    unused = int((result.folds < 0).sum())
    said = (f"{unused:,} cells are not named in {path.name} and are not used.",) if unused else ()
    return Split(result.scheme, result.folds, result.blocks, result.block_names, result.description, said)


def each_value(scheme: str, codes: CodeArray, names: Sequence[str], source: str) -> Split:
    """Hold out each name that has cells in turn; ``source`` says where names come from."""
    blocks, block_names = present(codes, names)
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


def present(codes: CodeArray, names: Sequence[str]) -> tuple[CodeArray, tuple[str, ...]]:
    """Renumber codes ``(n_cells,)`` so that only names with cells remain; -1 stays."""
    there = np.unique(codes[codes >= 0])
    new_code = np.full(len(names) + 1, -1, dtype=np.int32)
    new_code[there] = np.arange(len(there), dtype=np.int32)
    return new_code[codes], tuple(names[code] for code in there)
