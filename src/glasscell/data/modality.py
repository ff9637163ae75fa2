"""Which kind of thing each column of a table counts: RNA, proteins, open chromatin, unspliced RNA."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from glasscell.data.column import missing_name
from glasscell.errors import DataError

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset

RNA, PROTEIN, CHROMATIN = "RNA", "protein", "chromatin"
#: Not yet spliced; columns of spliced RNA are RNA like any other.
UNSPLICED = "unspliced RNA"
#: Var columns that may say so, in this order; the first is that of Cell Ranger.
COLUMNS = ("feature_types", "feature_type", "modality")
_NAMES = {
    RNA: ("gene expression", "gene", "genes", "rna", "gex", "mrna", "spliced", "spliced rna"),
    PROTEIN: ("antibody capture", "protein", "proteins", "prot", "adt", "antibody"),
    CHROMATIN: ("peaks", "peak", "chromatin", "chromatin accessibility", "atac", "regions"),
    UNSPLICED: ("unspliced rna", "unspliced", "nascent", "nascent rna"),
}
_JOINED = {UNSPLICED: "join those of layers with join_splicing"}
_KNOWN = {word: name for name, words in _NAMES.items() for word in words}


def feature_modalities(dataset: Dataset) -> tuple[str, ...]:
    """Return ``RNA``, ``protein``, ``chromatin``, ``unspliced RNA`` or the file's own word for every column.

    A file that says nothing holds RNA only.
    """
    var = dataset.adata.var
    column = next((name for name in COLUMNS if name in var.columns), None)
    if column is None or len(var) != dataset.n_genes:
        return (RNA,) * dataset.n_genes
    words = {str(value): _KNOWN.get(str(value).strip().lower(), str(value)) for value in var[column].unique()}
    return tuple(words[str(value)] for value in var[column])


def why_no_modality(dataset: Dataset, wanted: str, title: str) -> str:
    """Say in one sentence which of two modalities a file lacks; empty when it has both.

    Parameters
    ----------
    wanted
        ``protein``, ``chromatin`` or ``unspliced RNA``; empty for models of RNA only.
    title
        Of the model.
    """
    if not wanted:
        return ""
    found = set(feature_modalities(dataset))
    if {RNA, wanted} <= found:
        return ""
    lacks = wanted if RNA in found else RNA
    joined = _JOINED.get(lacks, "join those of obsm with join_modality")
    return (
        f"{title} learns from RNA and {wanted} together and this file has no {lacks}: open one whose var "
        f"column {COLUMNS[0]} says which columns count {lacks}, or {joined}."
    )


def columns_of(modalities: tuple[str, ...], name: str) -> NDArray[np.int64]:
    """Return the columns of one modality, in order."""
    return np.flatnonzero(np.asarray(modalities, object) == name).astype(np.int64)


def join_modality(adata: AnnData, key: str, modality: str = PROTEIN) -> AnnData:
    """Return a table in which a second modality, kept in ``obsm``, stands beside the genes as columns of X.

    Parameters
    ----------
    adata
        Counts in X; never changed.
    key
        Of ``obsm``: counts of the same cells, a DataFrame, or an array whose names stand in ``uns[key]``.
    modality
        What they count: ``protein`` or ``chromatin``.

    Returns
    -------
    Counts of both; var ``feature_types`` says which column is which. A name that both have gets the
    modality's name behind it.

    Raises
    ------
    DataError
        There is no such key, or the counts do not fit the cells.
    """
    import anndata as ad

    if key not in adata.obsm:
        raise DataError(missing_name("obsm key", key, adata.obsm.keys()))
    values: Any = adata.obsm[key]
    names = _names(adata, key, values)
    table_cp = sparse.csr_matrix(values.to_numpy() if isinstance(values, pd.DataFrame) else values)
    taken = {str(name) for name in adata.var_names}
    own = [f"{name} {modality}" if name in taken else name for name in names]
    var = pd.concat(
        [
            adata.var.assign(**{COLUMNS[0]: RNA}),
            pd.DataFrame({COLUMNS[0]: modality}, index=pd.Index(own)),
        ]
    )
    return ad.AnnData(
        sparse.hstack([sparse.csr_matrix(adata.X), table_cp.astype(np.float32)], format="csr"),
        obs=adata.obs.copy(),
        var=var,
        uns=dict(adata.uns),
        obsm={name: adata.obsm[name] for name in adata.obsm if name != key},
    )


def _names(adata: AnnData, key: str, values: Any) -> list[str]:
    if isinstance(values, pd.DataFrame):
        return [str(name) for name in values.columns]
    given = adata.uns.get(key)
    if given is not None and len(given) == values.shape[1]:
        return [str(name) for name in given]
    return [f"{key} {number + 1}" for number in range(values.shape[1])]
