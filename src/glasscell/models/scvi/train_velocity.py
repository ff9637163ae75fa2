"""Let scvi-tools train a VELOVI: our cells, our seed, our progress and cancel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.splicing import SUFFIX, splicing_pairs
from glasscell.errors import NotCompatible
from glasscell.models.scvi.network import ScviSpec, import_scvi
from glasscell.models.scvi.train import curve_of, finite_tensors, made_with, run, seeded

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Curve
    from glasscell.models.family import FoldPlan, TrainingData
    from glasscell.models.scvi.params import VelocityParams

KIND = "VELOVI"


@dataclass(frozen=True, eq=False)
class Scaling:
    """Columns that are read, spliced then unspliced, each scaled between 0 and 1 over some cells.

    Parameters
    ----------
    read, low, span
        Columns, their least values and their ranges, ``(2 * n_pairs,)`` each.
    """

    read: NDArray[np.int64]
    low: NDArray[np.float32]
    span: NDArray[np.float32]


def train_velocity(
    data: TrainingData, plan: FoldPlan, params: VelocityParams, job: JobHandle
) -> tuple[ScviSpec, dict[str, Tensor], Curve, Scaling]:
    """Train and return what rebuilds the network, its weights, its loss and how its input is scaled.

    The global random state of Python, NumPy and torch is left as it was.

    Raises
    ------
    ModelError
        Training diverged.
    NotCompatible
        Fewer than two genes have both kinds of RNA.
    JobCancelled
        Somebody asked for it.
    """
    scvi = import_scvi(KIND)
    rows = np.concatenate([plan.train, plan.valid])
    values_cg = data.rows.stored(rows)
    scaling = _scaling(data, values_cg[: len(plan.train)])
    values_cp = (values_cg[:, scaling.read].toarray() - scaling.low) / scaling.span
    with seeded(plan.seed):
        table = _table(values_cp, rows)
        maker = scvi.external.VELOVI
        maker.setup_anndata(table, spliced_layer="spliced", unspliced_layer="unspliced")
        made = made_with(params)
        model = maker(table, **made)
        run(model, KIND, plan, params, params.max_epochs, job)
    tensors = finite_tensors(model)
    spec = ScviSpec(KIND, {**made, "n_input": table.n_vars}, str(scvi.__version__))
    return spec, tensors, curve_of(model.history, plan, values_cp.shape[1]), scaling


def _scaling(data: TrainingData, values_cg: Any) -> Scaling:
    """Choose genes with both kinds of RNA, and measure their ranges over the cells of the training."""
    spliced, unspliced = splicing_pairs(data.genes, data.modalities)
    ends = []
    for columns in (spliced, unspliced):
        part_cp = values_cg[:, columns].toarray()
        # scvi-tools starts at the median of the highest hundredth, which must be above the least value.
        high_p = np.median(np.sort(part_cp, axis=0)[int(len(part_cp) * 0.99) :], axis=0)
        ends.append((part_cp.min(axis=0), part_cp.max(axis=0), high_p))
    varies = np.logical_and(*(high > low for low, _, high in ends))
    if varies.sum() < 2:
        raise NotCompatible(
            "Fewer than two genes have spliced and unspliced RNA that varies: name the column of unspliced "
            f"RNA of a gene GENE{SUFFIX}, as join_splicing does."
        )
    low, high = (np.concatenate([end[which][varies] for end in ends]) for which in (0, 1))
    read = np.concatenate([spliced[varies], unspliced[varies]])
    return Scaling(read, low.astype(np.float32), (high - low).astype(np.float32))


def _table(values_cp: NDArray[np.floating[Any]], rows: NDArray[np.int64]) -> Any:
    import anndata as ad
    import pandas as pd

    n_pairs = values_cp.shape[1] // 2
    spliced, unspliced = (
        np.ascontiguousarray(part, np.float32) for part in (values_cp[:, :n_pairs], values_cp[:, n_pairs:])
    )
    obs = pd.DataFrame(index=pd.Index([str(row) for row in rows]))
    return ad.AnnData(spliced, obs=obs, layers={"spliced": spliced, "unspliced": unspliced})
