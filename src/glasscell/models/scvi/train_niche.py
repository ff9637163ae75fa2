"""Let scvi-tools train a SCVIVA: our cells, our neighbours, our seed, our progress and cancel."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import ModelError
from glasscell.models.latent_metric import principal_components
from glasscell.models.row import normalise
from glasscell.models.scvi.network import ScviSpec, import_scvi
from glasscell.models.scvi.niche import Niches, niches_of
from glasscell.models.scvi.train import (
    batch_key,
    check_batch,
    curve_of,
    finite_tensors,
    made_with,
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
    from glasscell.models.scvi.params import NicheParams

KIND = "SCVIVA"


def train_niche(
    data: TrainingData, plan: FoldPlan, params: NicheParams, job: JobHandle
) -> tuple[ScviSpec, dict[str, Tensor], Curve, tuple[str, ...]]:
    """Train and return what rebuilds the network, its weights, its loss and the types it knows.

    Cells without a type, and cells around which none of known type lies, neither train nor count as
    neighbours; cells held out don't either, so that nothing of them is learnt from those beside them.
    The global random state of Python, NumPy and torch is left as it was.

    Raises
    ------
    ModelError
        Training diverged, or fewer than two types lie next to each other.
    NotCompatible
        A cell has no batch.
    JobCancelled
        Somebody asked for it.
    """
    scvi = import_scvi(KIND)
    rows, niches, codes = _surrounded(data, plan, params, job)
    check_batch(data, rows)
    learning = np.isin(rows, plan.train)
    order = np.argsort(~learning, kind="stable")
    rows, mine = rows[order], replace(plan, train=rows[learning], valid=rows[~learning])
    with seeded(plan.seed):
        table = _table(data, rows, niches, order)
        maker = scvi.external.SCVIVA
        maker.setup_anndata(
            table,
            batch_key=batch_key(data),
            sample_key=None,
            labels_key="label",
            cell_coordinates_key="unread",
            niche_indexes_key="unread",
            niche_distances_key="unread",
            niche_composition_key="composition",
            expression_embedding_key="embedding",
            expression_embedding_niche_key="activation",
        )
        made = {**made_with(params), "spatial_weight": params.spatial_weight}
        model = maker(table, **made)
        run(model, KIND, mine, params, params.max_epochs, job)
    tensors = finite_tensors(model)
    sizes = {
        "n_input": table.n_vars,
        "n_batch": int(model.summary_stats.n_batch),
        "n_labels": len(codes),
        "n_output_niche": int(niches.mean_ctd.shape[2]),
    }
    spec = ScviSpec(KIND, {**made, **sizes}, str(scvi.__version__))
    types = tuple(data.classes[code] for code in codes)
    return spec, tensors, curve_of(model.history, mine, len(data.genes)), types


def _surrounded(
    data: TrainingData, plan: FoldPlan, params: NicheParams, job: JobHandle
) -> tuple[NDArray[np.int64], Niches, NDArray[np.int32]]:
    """Return cells that have a type and neighbours with one, their niches, and the codes of the types."""
    assert data.neighbours is not None
    assert data.counts is not None
    assert data.size is not None
    rows = np.sort(np.concatenate([plan.train, plan.valid]))
    rows = rows[data.codes[rows] >= 0]
    while True:
        job.report(0.0, "niches")
        codes, type_c = np.unique(data.codes[rows], return_inverse=True)
        if len(codes) < 2 or not len(np.intersect1d(rows, plan.train)):
            raise ModelError(
                "Fewer than two types lie next to each other among the cells to learn from: choose another "
                "column of types, or more neighbours."
            )
        near_c = niches_of(data.neighbours, rows, type_c, np.zeros((len(rows), 1))).size_c
        if (near_c > 0).all():
            break
        rows = rows[near_c > 0]
    size_c = data.size[rows]
    values_cg = normalise(data.counts.stored(rows), size_c, float(np.median(size_c)))
    embedding_cd = principal_components(values_cg, params.n_components, plan.seed)
    job.report(0.0, "niches")
    return rows, niches_of(data.neighbours, rows, type_c, embedding_cd), codes


def _table(data: TrainingData, rows: NDArray[np.int64], niches: Niches, order: NDArray[np.int64]) -> Any:
    table = table_of(data, rows)
    table.obsm["composition"] = niches.composition_ct[order]
    table.obsm["activation"] = niches.mean_ctd[order].astype(np.float32)
    # Of this one only the width is read, of coordinates and row numbers nothing: the niches say it all.
    table.obsm["embedding"] = np.zeros((len(rows), niches.mean_ctd.shape[2]), np.float32)
    table.obsm["unread"] = np.zeros((len(rows), 1), np.float32)
    return table
