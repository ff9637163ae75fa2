"""What a file is when it is not one that can be opened, and how to make one of it that can."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

ACCEPTED = (
    "Glasscell opens .h5ad files, .zarr folders (AnnData or SpatialData), 10x .h5 matrices, tables of cells "
    "(.csv, .tsv, .parquet) and the folders of Visium, Visium HD, Xenium, CosMx and MERSCOPE"
)
_SEURAT = (
    "in R: library(Seurat); library(zellkonverter); "
    'writeH5AD(as.SingleCellExperiment(readRDS("{name}")), "{stem}.h5ad"), and open the .h5ad'
)
HDF5 = {
    "row_attrs": (
        "a loom file: convert it in Python with "
        'anndata.io.read_loom("{name}").write_h5ad("{stem}.h5ad"), and open the .h5ad'
    ),
    "mod": (
        "a MuData file: save the modality you want with "
        'mudata.read("{name}").mod["rna"].write_h5ad("{stem}.h5ad"), and open the .h5ad'
    ),
    "assays": (
        'an h5Seurat file: convert it in R with SeuratDisk::Convert("{name}", dest = "h5ad"), '
        "and open the .h5ad"
    ),
}
_R_STARTS = (b"X\n\x00", b"A\n", b"B\n")
_WORKSPACE = b"RDX"
_BY_SUFFIX = {
    ".rds": f"an R object: convert it {_SEURAT}",
    ".rdata": "an R workspace: load it in R, then " + _SEURAT.replace('readRDS("{name}")', "your_object"),
    ".rda": "an R workspace: load it in R, then " + _SEURAT.replace('readRDS("{name}")', "your_object"),
    ".qs": "an R object saved by qs: read it in R with qs::qread, then "
    + _SEURAT.replace('readRDS("{name}")', 'qread("{name}")'),
    ".mtx": "a part of a 10x matrix: open the folder that holds it with its barcodes and features",
    ".pkl": "a Python pickle, which may run code when opened: save its AnnData as .h5ad and open that",
    ".tif": "an image without a table of cells: open the folder or table that belongs to it",
    ".tiff": "an image without a table of cells: open the folder or table that belongs to it",
}


def foreign(path: Path) -> str:
    """Say what a file is and how to convert it, by its first bytes and then its name; empty when unknown."""
    start = first_bytes(path, 16)
    suffix = path.name.removesuffix(".gz").rpartition(".")[2].casefold()
    kind = f".{suffix}"
    if start.startswith(_WORKSPACE):
        kind = ".rdata"
    elif start.startswith(_R_STARTS):
        kind = ".rds"
    elif start.startswith(b"%%MatrixMarket"):
        kind = ".mtx"
    elif start.startswith(b"\x80") and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        kind = ".pkl"
    said = _BY_SUFFIX.get(kind, "")
    return worded(said, path) if said else ""


def worded(sentence: str, path: Path) -> str:
    """Fill a file's name into advice on how to convert it."""
    stem = path.name.partition(".")[0]
    return sentence.replace("{name}", path.name).replace("{stem}", stem)


def first_bytes(path: Path, number: int = 4096) -> bytes:
    """Read the start of a file, of a gzipped one the start of what it holds."""
    with path.open("rb") as file:
        start = file.read(number)
    if not start.startswith(b"\x1f\x8b"):
        return start
    try:
        with gzip.open(path, "rb") as packed:
            return packed.read(number)
    except (OSError, EOFError, zlib.error):
        return b""
