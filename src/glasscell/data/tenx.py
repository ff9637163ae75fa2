"""Matrices as Cell Ranger and its kin write them: one HDF5 file, or three text files in a folder."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from glasscell.data.read_anndata import check_matrices, short_reason
from glasscell.data.report import count
from glasscell.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData

_KIND = "feature_types"
_GENES = "Gene Expression"


def is_mtx_folder(folder: Path) -> bool:
    """Whether a folder holds ``matrix.mtx`` with its barcodes, packed or not."""
    return any((folder / f"matrix.mtx{end}").is_file() for end in ("", ".gz")) and any(
        (folder / f"barcodes.tsv{end}").is_file() for end in ("", ".gz")
    )


def read_tenx(path: Path) -> tuple[AnnData, list[str]]:
    """Read a 10x matrix (versions 2 and 3), keeping gene expression.

    Parameters
    ----------
    path
        An ``.h5`` file that has been found safe, or a folder with ``matrix.mtx``.

    Returns
    -------
    Counts with symbols as names and Ensembl identifiers beside them, and what was left out, in sentences.

    Raises
    ------
    DataError
        It cannot be read as a 10x matrix.
    """
    import scanpy as sc

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # repeated symbols are told by the dataset
        try:
            if path.is_dir():
                adata = sc.read_10x_mtx(path, var_names="gene_symbols", make_unique=False, gex_only=False)
            else:
                adata = sc.read_10x_h5(path, gex_only=False)
        except MemoryError as error:
            raise DataError(f"{path.name} does not fit into memory; save fewer cells of it.") from error
        except Exception as error:
            raise DataError(f"{path.name} cannot be read as a 10x matrix: {short_reason(error)}.") from error
        check_matrices(adata, path.name)
        told = []
        if _KIND in adata.var and (adata.var[_KIND] == _GENES).any():
            other = adata.var[_KIND] != _GENES
            for kind, number in adata.var.loc[other, _KIND].value_counts().items():
                told.append(f"{count(int(number), 'feature')} of kind {kind} left out: only genes are shown.")
            if other.any():
                adata = adata[:, ~other.to_numpy()].copy()
    return adata, told
