"""Let scvi-tools train a model of two modalities: our cells, our seed, our progress and cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.modality import RNA, columns_of
from glasscell.models.scvi.network import ScviSpec, import_scvi
from glasscell.models.scvi.train import (
    batch_key,
    check_batch,
    curve_of,
    finite_tensors,
    run,
    seeded,
    table_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Curve
    from glasscell.models.family import FoldPlan, TrainingData
    from glasscell.models.scvi.params import CountParams


def train_pair(
    kind: str, second: str, data: TrainingData, plan: FoldPlan, params: CountParams, job: JobHandle
) -> tuple[ScviSpec, dict[str, Tensor], Curve]:
    """Train and return what rebuilds the network, its weights and its loss.

    The global random state of Python, NumPy and torch is left as it was.

    Parameters
    ----------
    kind
        ``TOTALVI`` or ``MULTIVI``.
    second
        The modality beside RNA, as ``TrainingData.modalities`` names it.

    Raises
    ------
    ModelError
        Training diverged.
    NotCompatible
        A cell has no batch.
    JobCancelled
        Somebody asked for it.
    """
    scvi = import_scvi()
    rows = np.concatenate([plan.train, plan.valid])
    check_batch(data, rows)
    with seeded(plan.seed):
        make = _totalvi if kind == "TOTALVI" else _multivi
        model, arguments = make(scvi, data, second, params, rows)
        run(model, kind, plan, params, params.max_epochs, job)
    tensors = finite_tensors(model)
    spec = ScviSpec(kind, arguments, str(scvi.__version__))
    return spec, tensors, curve_of(model.history, plan, len(data.genes))


def _part(data: TrainingData, name: str, rows: NDArray[np.int64]) -> Any:
    return table_of(data, rows, columns_of(data.modalities, name))


def _totalvi(
    scvi: Any, data: TrainingData, second: str, params: CountParams, rows: NDArray[np.int64]
) -> tuple[Any, dict[str, Any]]:
    import pandas as pd

    table, other = _part(data, RNA, rows), _part(data, second, rows)
    names = [f"p{number}" for number in range(other.n_vars)]
    table.obsm["protein"] = pd.DataFrame(other.X.toarray(), index=table.obs_names, columns=names)
    kind = scvi.model.TOTALVI
    kind.setup_anndata(table, protein_expression_obsm_key="protein", batch_key=batch_key(data))
    made = {
        "n_latent": params.n_latent,
        "gene_likelihood": params.gene_likelihood,
        "n_hidden": params.n_hidden,
        "n_layers_encoder": params.n_layers,
        "dropout_rate_encoder": params.dropout_rate,
        "dropout_rate_decoder": params.dropout_rate,
    }
    model = kind(table, **made)
    n_batch = int(model.summary_stats.n_batch)
    sizes = {"n_input_genes": table.n_vars, "n_input_proteins": other.n_vars}
    return model, {**made, **sizes, "n_batch": n_batch, "n_panel": n_batch}


def _multivi(
    scvi: Any, data: TrainingData, second: str, params: CountParams, rows: NDArray[np.int64]
) -> tuple[Any, dict[str, Any]]:
    import mudata

    parts = {"rna": _part(data, RNA, rows), "atac": _part(data, second, rows)}
    for name, part in parts.items():
        part.var_names = [f"{name}{number}" for number in range(part.n_vars)]
    with mudata.set_options(pull_on_update=False):
        table = mudata.MuData(parts)
    table.obs = parts["rna"].obs.copy()
    kind = scvi.model.MULTIVI
    layers = {"rna_layer": "rna", "atac_layer": "atac"}
    kind.setup_mudata(table, batch_key=batch_key(data), modalities=layers)
    made = {
        "n_hidden": params.n_hidden,
        "n_latent": params.n_latent,
        "n_layers_encoder": params.n_layers,
        "n_layers_decoder": params.n_layers,
        "dropout_rate": params.dropout_rate,
        "gene_likelihood": params.gene_likelihood,
    }
    model = kind(table, **made)
    sizes = {"n_input_genes": parts["rna"].n_vars, "n_input_regions": parts["atac"].n_vars}
    n_batch = int(model.summary_stats.n_batch)
    return model, {**made, **sizes, "n_batch": n_batch, "n_cats_per_cov": []}
