"""A table of cells as text or parquet: one row a cell, numbers are genes, the rest says what the cell is."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.foreign import first_bytes
from glasscell.data.genes import mostly_identifiers
from glasscell.data.guard_size import check_fits
from glasscell.data.observation import POSITION_COLUMNS
from glasscell.data.read_anndata import short_reason
from glasscell.data.section import DONOR_COLUMNS, LOCAL_COLUMNS, SECTION_COLUMNS
from glasscell.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from anndata import AnnData

NAMES = ("cell", "cell_id", "cellid", "cell_name", "barcode", "barcodes", "entityid", "object_id", "objectid")
#: Numbers that say something about a cell and are no genes.
ABOUT_CELLS = frozenset(
    {
        "area", "cell_area", "nucleus_area", "volume", "perimeter", "eccentricity", "solidity", "label", "z",
        "z_centroid", "center_z", "total_counts", "n_counts", "ncounts", "n_genes", "ngenes",
        "n_genes_by_counts", "transcript_counts", "pct_counts_mt", "percent_mito", "percent.mt",
        "leiden", "louvain", "cluster",
        "clusters", "cell_type", "celltype", "phenotype", "condition", "in_tissue", "array_row", "array_col",
        "ncount_rna", "nfeature_rna", "fov", "region", "batch", "sample", "min_x", "min_y", "max_x", "max_y",
        *SECTION_COLUMNS, *LOCAL_COLUMNS, *DONOR_COLUMNS,
        *(name for pair in POSITION_COLUMNS for name in pair),
    }
)  # fmt: skip
_SEPARATORS = ",\t;|"


def is_text_table(path: Path) -> bool:
    """Whether the start of a file is text in columns, gzipped or not."""
    return separator(path) is not None


def separator(path: Path) -> str | None:
    """Find what separates the columns of a text table; None when it is none."""
    start = first_bytes(path, 1 << 16)
    try:
        text = start.decode("utf-8-sig", errors="strict")
    except UnicodeDecodeError as error:
        if error.start < len(start) - 4:  # a letter cut in two at the end is none of the file's faults
            return None
        text = start[: error.start].decode("utf-8-sig")
    lines = [line for line in text.splitlines() if line.strip()][:20]
    if len(lines) < 2 or "\x00" in text:
        return None
    for mark in _SEPARATORS:
        widths = {len(row) for row in csv.reader(lines[:-1] or lines, delimiter=mark)}
        if widths and min(widths) > 1 and max(widths) - min(widths) <= 1:
            return mark
    return None


def read_cell_table(path: Path, *, parquet: bool = False) -> tuple[AnnData, list[str]]:
    """Read a table of cells.

    Columns of numbers are genes, except coordinates and what is known to describe cells (area, cluster,
    section, donor, totals); columns of text describe cells; a column of names becomes the names.

    Parameters
    ----------
    path
        ``.csv``, ``.tsv`` or ``.txt``, gzipped or not, with a line of names on top; or ``.parquet``.
    parquet
        Which of the two it is.

    Returns
    -------
    The cells, and one sentence that says which columns were taken for what.

    Raises
    ------
    DataError
        It cannot be read, or no column holds numbers.
    """
    frame = _read_parquet(path) if parquet else _read_text(path)
    if not len(frame) or not frame.shape[1]:
        raise DataError(
            f"{path.name} holds no rows; a table of cells has one row a cell and a line of names."
        )
    frame, told = _named(frame)
    names = [str(name) for name in frame.index]
    if mostly_identifiers(names) and not names[0].isdecimal():
        frame = frame.T
        told.append("The rows of this table are genes, so it was turned over: one row a cell.")
    return _split(frame, path.name, told)


def _read_text(path: Path) -> pd.DataFrame:
    import pandas as pd

    check_fits(path.stat().st_size)
    try:
        return pd.read_csv(path, sep=separator(path), low_memory=False, compression=_packing(path))
    except MemoryError as error:
        raise DataError(f"{path.name} does not fit into memory; save fewer cells of it.") from error
    except Exception as error:
        raise DataError(f"{path.name} cannot be read as a table: {short_reason(error)}.") from error


def _packing(path: Path) -> Any:
    with path.open("rb") as file:
        return "gzip" if file.read(2) == b"\x1f\x8b" else None


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        import pyarrow.parquet as pq
    except ImportError as error:
        raise DataError("Parquet files need one more package: pip install pyarrow.") from error
    try:
        about = pq.ParquetFile(path).metadata
        check_fits(8 * about.num_rows * about.num_columns)
        table: pd.DataFrame = pq.read_table(path).to_pandas()
        return table
    except DataError:
        raise
    except Exception as error:
        raise DataError(f"{path.name} cannot be read as parquet: {short_reason(error)}.") from error


def _named(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Take the column that names the cells for the index."""
    import pandas as pd

    if not isinstance(frame.index, pd.RangeIndex):
        return frame, []
    by_name = {str(column).casefold(): column for column in reversed(list(frame.columns))}
    chosen = next((by_name[name] for name in NAMES if name in by_name), None)
    first = frame.columns[0]
    unnamed = str(first).startswith("Unnamed") or not str(first).strip()
    if chosen is None and (unnamed or (frame[first].dtype.kind not in "biuf" and frame[first].is_unique)):
        chosen = first
    if chosen is None or not frame[chosen].is_unique:
        return frame.set_axis([f"cell {row + 1}" for row in range(len(frame))]), []
    return frame.set_index(chosen), []


def _split(frame: pd.DataFrame, title: str, told: list[str]) -> tuple[AnnData, list[str]]:
    import pandas as pd
    import scipy.sparse as sp
    from anndata import AnnData

    frame = frame.rename(columns=str)
    numeric = [column for column, dtype in enumerate(frame.dtypes) if dtype.kind in "biuf"]
    about = [column for column in numeric if frame.columns[column].casefold() in ABOUT_CELLS]
    genes = [column for column in numeric if column not in set(about)]
    if not genes:
        held = ", ".join(map(repr, frame.columns[:6]))
        raise DataError(
            f"{title} has no columns of numbers that could be genes (it has {held}): a table of cells has "
            "one row a cell and one column a gene."
        )
    rest = [column for column in range(frame.shape[1]) if column not in set(genes)]
    values = frame.iloc[:, genes].to_numpy(dtype=np.float32)
    dense = np.count_nonzero(values) > 0.4 * values.size
    obs = frame.iloc[:, rest].copy()
    obs.index = pd.Index([str(name) for name in frame.index], dtype=object)
    obs.index.name = None
    obs = obs.loc[:, ~obs.columns.duplicated()]
    var = pd.DataFrame(index=pd.Index(frame.columns[genes].tolist(), dtype=object))
    described = ", ".join(obs.columns[:8]) or "none"
    told.append(
        f"Read as a table: {len(genes):,} columns of numbers are genes; columns about cells: {described}."
    )
    return AnnData(X=values if dense else sp.csr_matrix(values), obs=obs, var=var), told
