"""Turn cells of a dataset into the batch a model takes, in the model's gene order and preprocessing."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import numpy as np
import torch

from glasscell.data.column import categorical_codes, recode
from glasscell.data.neighbour import neighbour_graph
from glasscell.errors import DataError, NotCompatible
from glasscell.models.capability.action import UsesAction
from glasscell.models.capability.neighbour import UsesNeighbours
from glasscell.models.capability.technical_batch import UsesBatch
from glasscell.models.cell_batch import CellBatch
from glasscell.models.preprocessing import Preprocessing
from glasscell.models.row import input_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy import sparse

    from glasscell.data.dataset import Dataset
    from glasscell.data.neighbour import EgoGraphs
    from glasscell.models.capability.model import Model

__all__ = ["Preprocessing", "gene_columns", "make_batch", "preprocessing_for"]


def preprocessing_for(dataset: Dataset, kind: Literal["", "log1p", "counts"] = "") -> Preprocessing:
    """Choose the recipe for a dataset: log-normalised to its median total when it has counts, else as stored.

    Parameters
    ----------
    kind
        What a family takes instead when there are counts.

    Raises
    ------
    DataError
        No cell has any counts.
    """
    if dataset.sizes_c is None:
        return Preprocessing("stored", None, dataset.expression_unit)
    sizes_c = np.asarray(dataset.sizes_c)
    if not (sizes_c > 0).any():
        raise DataError("Every cell has zero counts: choose another layer of counts, or check the file.")
    if kind:
        return Preprocessing(kind, None, f"{kind} counts".removeprefix("counts "))
    return Preprocessing("lognorm", float(np.median(sizes_c[sizes_c > 0])), "log1p normalised counts")


def gene_columns(dataset: Dataset, genes: Sequence[str]) -> NDArray[np.int64]:
    """Find a model's genes among a dataset's, by the same names or by symbol.

    Raises
    ------
    NotCompatible
        A gene is missing; the sentence names how many and an example.
    """
    names = [str(name) for name in dataset.genes.names]
    place = {name: column for column, name in enumerate(names)}
    columns = np.fromiter((place.get(gene, -1) for gene in genes), np.int64, count=len(genes))
    if (columns < 0).any():
        symbols = {str(name): column for column, name in reversed(list(enumerate(dataset.genes.symbols)))}
        found = [
            symbols.get(gene, -1) if column < 0 else column
            for gene, column in zip(genes, columns, strict=True)
        ]
        columns = np.asarray(found, np.int64)
    missing = [gene for gene, column in zip(genes, columns, strict=True) if column < 0]
    if missing:
        near = get_close_matches(missing[0], names, n=1)
        hint = f" (the nearest name is {near[0]})" if near else ""
        raise NotCompatible(
            f"This file lacks {len(missing)} of the {len(genes)} genes the model needs, "
            f"for example {missing[0]}{hint}: train a model on this file, or open one with the same genes."
        )
    return columns


def make_batch(
    dataset: Dataset,
    model: Model,
    indices: NDArray[np.integer[Any]],
    device: torch.device | str | None = None,
) -> CellBatch:
    """Gather cells for a model.

    Parameters
    ----------
    indices
        Rows of the dataset, in the order wanted, ``(n,)``. For a model that looks at neighbours these are
        the centres, each in a graph of its own with halo rows.
    device
        Where the tensors go; None follows the model.

    Raises
    ------
    NotCompatible
        A gene is missing, or the model wants counts and the file has none.
    DataError
        A value is NaN or infinite; the first cell and gene are named.
    """
    preprocessing = model.preprocessing
    if preprocessing.kind != "stored" and dataset.sizes_c is None:
        raise NotCompatible(
            "The model was trained on counts and this file has none: choose the layer that holds counts."
        )
    columns = gene_columns(dataset, model.genes)
    target = torch.device(device) if device is not None else model.device
    indices = np.asarray(indices, np.int64)
    around: dict[str, torch.Tensor] = {}
    if isinstance(model, UsesNeighbours):
        ego = neighbour_graph(dataset, model.graph).ego(indices, model.hops)
        indices = ego.rows
        around = graph_tensors(ego, target)
        assert dataset.positions_cd is not None
        around["positions"] = torch.as_tensor(dataset.positions_cd[indices]).to(target, model.dtype)
    rows = input_rows(dataset, preprocessing, indices)
    if len(columns) != rows.shape[1] or not np.array_equal(columns, np.arange(len(columns))):
        rows = rows[:, columns]
    dense = rows.toarray()
    check_finite(dense, dataset, indices, model.genes)
    sizes_c = dataset.sizes_c
    size = None if sizes_c is None else torch.as_tensor(np.asarray(sizes_c)[indices]).to(target, model.dtype)
    return CellBatch(
        expression=torch.from_numpy(dense).to(target, model.dtype),
        indices=torch.from_numpy(indices).to(target),
        size=size,
        batch=_batch_codes(dataset, model, indices, target),
        action=_action_codes(dataset, model, indices, target),
        **around,
    )


def graph_tensors(ego: EgoGraphs, device: torch.device) -> dict[str, torch.Tensor]:
    """Return edges, how long they are, and centres, as a batch wants them."""
    return {
        "edges": torch.from_numpy(ego.edges).to(device),
        "distances": torch.from_numpy(ego.distances.astype(np.float32)).to(device),
        "centre": torch.from_numpy(ego.centre).to(device),
    }


def _batch_codes(
    dataset: Dataset, model: Model, indices: NDArray[np.integer[Any]], device: torch.device
) -> torch.Tensor | None:
    """Return the codes of the cells' batches; -1 for a batch the model has not seen, None without any."""
    if not isinstance(model, UsesBatch) or not model.batches:
        return None
    return _codes(dataset, model.batch_column, model.batches, indices, device)


def _action_codes(
    dataset: Dataset, model: Model, indices: NDArray[np.integer[Any]], device: torch.device
) -> torch.Tensor | None:
    """Return the codes of what was done to the cells; -1 for what the model has not seen."""
    if not isinstance(model, UsesAction):
        return None
    return _codes(dataset, model.action_column, model.actions, indices, device)


def _codes(
    dataset: Dataset,
    column: str,
    own: Sequence[str],
    indices: NDArray[np.integer[Any]],
    device: torch.device,
) -> torch.Tensor | None:
    if column not in dataset.obs.columns:
        return None
    codes, names = categorical_codes(dataset.obs[column])
    return torch.from_numpy(recode(codes[indices], names, own).astype(np.int64)).to(device)


def check_finite(
    dense_cg: NDArray[np.floating[Any]],
    dataset: Dataset,
    indices: NDArray[np.integer[Any]],
    genes: Sequence[str],
) -> None:
    """Refuse NaN and infinite values, naming the first cell and gene."""
    if np.isfinite(dense_cg).all():
        return
    row, column = np.argwhere(~np.isfinite(dense_cg))[0]
    _refuse(dense_cg[row, column], str(dataset.cell_names[indices[row]]), genes[column])


def check_table(table_cg: sparse.csr_matrix, dataset: Dataset) -> None:
    """Refuse NaN and infinite values in a table of all cells and genes, naming the first."""
    bad = np.flatnonzero(~np.isfinite(table_cg.data))
    if len(bad):
        row = int(np.searchsorted(table_cg.indptr, bad[0], side="right")) - 1
        gene = str(dataset.genes.names[table_cg.indices[bad[0]]])
        _refuse(table_cg.data[bad[0]], str(dataset.cell_names[row]), gene)


def _refuse(value: float, cell: str, gene: str) -> NoReturn:
    raise DataError(f"Expression of {gene} in {cell} is {value}: replace or remove such values first.")
