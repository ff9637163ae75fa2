"""What the nets of a bundle were trained on, found again in a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from glasscell.explain.baseline import Floats, Training
from glasscell.explain.request import HELD_OUT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.models.bundle import Bundle
    from glasscell.models.capability.model import Model
    from glasscell.models.target import Target


def read_training(dataset: Dataset, bundle: Bundle, nets: str = HELD_OUT) -> Training:
    """Gather inputs, classes and training cells.

    Parameters
    ----------
    nets
        ``held_out``: all labelled cells, each a training cell of the other nets; ``fold:2``: that net's own.
    """
    everyone = np.arange(dataset.n_cells)
    rows = bundle.rows(dataset, everyone)
    known = rows >= 0
    codes = np.where(known, bundle.cells.truth[rows], -1).astype(np.int32)
    used = bundle.cells.labelled if bundle.classes else np.ones(len(bundle.cells.names), np.bool_)
    trained = known & used[rows]
    if nets != HELD_OUT:
        trained &= bundle.seen_in_training(dataset, everyone, bundle.net_for_cells(dataset, everyone, nets))
    size = None if dataset.sizes_c is None else np.asarray(dataset.sizes_c, np.float64)
    return Training(input_table(dataset, bundle.folds[0]), codes, tuple(bundle.classes), trained, size)


def input_table(dataset: Dataset, model: Model) -> sparse.csr_matrix:
    """Return every cell's input to a model, genes in the model's order, CSR ``(n_cells, n_genes)``.

    A model whose declared input is not its expression is asked for it block by block.
    """
    from glasscell.models.batch import gene_columns, make_batch
    from glasscell.models.capability.first_linear import FirstLinear
    from glasscell.models.row import input_rows

    first = make_batch(dataset, model, np.arange(min(1, dataset.n_cells)))
    if not isinstance(model, FirstLinear) or model.inputs(first) is first.expression:
        table = input_rows(dataset, model.preprocessing)
        columns = gene_columns(dataset, model.genes)
        same = len(columns) == table.shape[1] and np.array_equal(columns, np.arange(len(columns)))
        return table if same else sparse.csr_matrix(table[:, columns])
    parts = []
    for start in range(0, dataset.n_cells, 1024):
        batch = make_batch(dataset, model, np.arange(start, min(start + 1024, dataset.n_cells)))
        parts.append(sparse.csr_matrix(model.inputs(batch).cpu().numpy()))
    return sparse.vstack(parts, format="csr")


def mean_difference(training: Training, target: Target) -> Floats | None:
    """Return the plain comparison: mean input of the target's class less that of the rest, ``(n_genes,)``.

    For a contrast the rest is the class it names. None for targets that are no class.
    """
    if target.kind not in ("class", "contrast") or target.name not in training.classes:
        return None
    inside = training.trained & (training.codes == training.classes.index(target.name))
    rest = training.trained & ~inside
    if target.against is not None:
        rest = training.trained & (training.codes == training.classes.index(target.against))
    if not inside.any() or not rest.any():
        return None
    return training.mean(np.flatnonzero(inside)) - training.mean(np.flatnonzero(rest))


def as_cells(cells: NDArray[np.integer] | None, n_cells: int) -> NDArray[np.int32]:
    """Return sorted unique cell indices; None means all cells."""
    from glasscell.errors import DataError

    if cells is None:
        return np.arange(n_cells, dtype=np.int32)
    chosen = np.unique(np.asarray(cells)).astype(np.int32)
    if not len(chosen):
        raise DataError("The selection holds no cell; select some cells to explain.")
    if chosen[0] < 0 or chosen[-1] >= n_cells:
        raise DataError(f"The selection names cells outside the dataset's {n_cells:,}; select again.")
    return chosen
