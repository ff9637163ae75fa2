"""The tables of a dataset without its expression: what a preparation or an edit has added to a file."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from glasscell.data.atomic import write_atomically
from glasscell.data.guard_hdf5 import check_hdf5
from glasscell.data.shadow import shallow_copy
from glasscell.errors import DataError, GlasscellError

if TYPE_CHECKING:
    from pathlib import Path

    from glasscell.data.dataset import Dataset

_TABLES = ("obsm", "varm", "obsp")
#: Pictures come with the original.
_LEFT_OUT = ("spatial",)


def choices(dataset: Dataset) -> dict[str, str]:
    """Return how the reader was told to read a dataset, by the names of `read`'s arguments."""
    return {name: value for name, value in dataset._given.items() if isinstance(value, str)}


def write_tables(dataset: Dataset, path: Path) -> None:
    """Write columns, embeddings, graphs and notes, without the expression.

    Raises
    ------
    DataError
        The disk is full, or something in the tables cannot be saved.
    """
    import anndata as ad

    adata = dataset.adata
    uns = {key: value for key, value in adata.uns.items() if key not in _LEFT_OUT}
    tables: dict[str, Any] = {name: dict(getattr(adata, name)) for name in _TABLES}

    def write(fresh: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            light = ad.AnnData(obs=adata.obs.copy(), var=adata.var.copy(), uns=uns, **tables)
            light.write_h5ad(fresh, compression="lzf")

    write_atomically(path, write)


def add_tables(dataset: Dataset, path: Path) -> Dataset:
    """Return the dataset with the tables of `write_tables` in place of its own.

    Raises
    ------
    DataError
        The file is damaged, or holds other cells or genes.
    """
    import anndata as ad

    check_hdf5(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            light = ad.read_h5ad(path)
    except GlasscellError:
        raise
    except Exception as error:
        raise DataError(f"The saved columns in {path.name} cannot be read ({error}).") from error
    own = dataset.adata
    if not (light.obs_names.equals(own.obs_names) and light.var_names.equals(own.var_names)):
        raise DataError(f"The saved columns in {path.name} are of other cells or genes than the data.")
    adata = shallow_copy(own)
    adata.obs, adata.var = light.obs, light.var
    for name in _TABLES:
        for key, values in getattr(light, name).items():
            getattr(adata, name)[key] = values
    for key, value in light.uns.items():
        adata.uns[key] = value
    return dataset.with_adata(adata)
