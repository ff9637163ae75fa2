"""Read an AnnData from HDF5 or zarr and make sure that its parts fit together."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import scipy.sparse as sp

from glasscell.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData


def read_anndata(path: Path, kind: str) -> AnnData:
    """Read a file that has been sniffed and found safe.

    Parameters
    ----------
    path
        The file or folder.
    kind
        ``"h5ad"`` or ``"anndata zarr"``.

    Raises
    ------
    DataError
        It cannot be read, or its matrices are damaged.
    """
    import anndata

    reader = anndata.read_h5ad if kind == "h5ad" else anndata.read_zarr
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # what they warn of (repeated names, old layout) is told by the dataset
        try:
            adata = reader(path)
        except MemoryError as error:
            raise DataError(
                f"{path.name} does not fit into memory; save fewer cells or genes and open that."
            ) from error
        except Exception as error:
            raise DataError(f"{path.name} cannot be read as AnnData: {short_reason(error)}.") from error
    check_matrices(adata, path.name)
    return adata


def short_reason(error: BaseException) -> str:
    """Return the first line of the innermost cause of an error, without full stop."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:200].rstrip(".")


def check_matrices(adata: AnnData, name: str) -> None:
    """Refuse sparse matrices whose indices point outside them: using one can crash the program.

    Raises
    ------
    DataError
        A matrix is damaged.
    """
    named: list[tuple[str, Any]] = [
        ("X", adata.X),
        *((f"layers/{key}", layer) for key, layer in adata.layers.items()),
    ]
    named += [(f"obsp/{key}", pairs) for key, pairs in adata.obsp.items()]
    if adata.raw is not None:
        named.append(("raw", adata.raw.X))
    for place, matrix in named:
        if sp.issparse(matrix) and matrix.format in ("csr", "csc"):
            try:
                matrix.check_format(full_check=True)
            except ValueError as error:
                raise DataError(f"{place} of {name} is damaged: {short_reason(error)}.") from error
