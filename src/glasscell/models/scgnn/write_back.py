"""What ``scgnn`` found, written into the table of cells: clusters, cell graph, and values of named genes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from glasscell.data.shadow import shallow_copy
from glasscell.errors import NotCompatible
from glasscell.jobs import QUIET
from glasscell.models.scgnn.imputation import CAUTION, impute, scgnn_of
from glasscell.models.scgnn.regulation import regulatory_states

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.data.dataset import Dataset
    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Bundle

PREFIX = "glasscell.scgnn"


def annotate(
    dataset: Dataset,
    bundle: Bundle,
    genes: Sequence[str] = (),
    *,
    states: bool = True,
    job: JobHandle = QUIET,
) -> Dataset:
    """Return the dataset with what the model found; the caller's table is not changed.

    Written are ``obs["glasscell.scgnn.cluster"]``, ``obsp["glasscell.scgnn.graph"]`` (kept edges, symmetric),
    ``obsm["glasscell.scgnn.graph_latent"]``, of each named gene ``obs["glasscell.scgnn.imputed.GENE"]``,
    ``.delta.GENE`` and ``.state.GENE`` (``/`` in names becomes ``_``), and what they are in
    ``uns["glasscell.scgnn"]``. No layer is written: imputed values must not be taken for counts.

    Parameters
    ----------
    dataset
        The cells the model was trained on, in any order.
    bundle
        Of the family ``scgnn``.
    genes
        Whose imputed values, deltas and states are written.
    states
        Whether states are.

    Raises
    ------
    NotCompatible
        The bundle is of another family, or was trained on other cells.
    """
    net = scgnn_of(bundle)
    rows_c = bundle.rows(dataset, np.arange(dataset.n_cells))
    if (rows_c < 0).any():
        raise NotCompatible(
            "The cell graph is of the cells the model was trained on and this file has others: train on it."
        )
    adata = shallow_copy(dataset.adata)
    names = [f"cluster {number}" for number in range(net.n_domains)]
    adata.obs[f"{PREFIX}.cluster"] = pd.Categorical.from_codes(net.cluster_c[rows_c], pd.Index(names))
    adjacency = net.graph.adjacency()
    adata.obsp[f"{PREFIX}.graph"] = sparse.csr_matrix(adjacency[rows_c][:, rows_c])
    adata.obsm[f"{PREFIX}.graph_latent"] = net.parts()["graph latents"][rows_c]
    adata.uns[PREFIX] = {
        "model": bundle.id,
        "imputed": f"log1p of imputed share x {net.preprocessing.target_sum:.6g}; {CAUTION}",
        "delta": "imputed minus observed, both log1p normalised",
        "state": "likeliest state of a left-censored Gaussian mixture of measured values, lowest first",
    }
    if genes:
        made = impute(bundle, dataset, job)
        for gene in genes:
            adata.obs[f"{PREFIX}.imputed.{_key(gene)}"] = made.gene(gene)
            adata.obs[f"{PREFIX}.delta.{_key(gene)}"] = made.delta(dataset, gene)
        for found in regulatory_states(dataset, genes, job=job) if states else ():
            adata.obs[f"{PREFIX}.state.{_key(found.gene)}"] = pd.Categorical(found.codes_c)
    return dataset.with_adata(adata)


def _key(gene: str) -> str:
    """Return a gene's name as a key of a file can hold it."""
    return str(gene).replace("/", "_")
