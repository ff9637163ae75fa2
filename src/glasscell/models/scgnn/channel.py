"""What the cell graph gives each cell as channels: clusters, kept edges, imputed values, deltas, states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.channel import CellValues, ChannelRef
from glasscell.errors import DataError
from glasscell.models.scgnn.imputation import CAUTION, Imputation, impute, scgnn_of
from glasscell.models.scgnn.regulation import regulatory_states

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.models.bundle import Bundle

#: Channels of one value per cell that belong to the training cells, and their titles.
CELL_KEYS = {"cluster": "cluster of the cell graph", "kept": "neighbours kept in the cell graph"}
#: Channels of each gene, with how they are written after its name.
GENE_KEYS = {"imputed": "imputed", "delta": "imputed minus observed", "state": "regulatory state"}


def resolve_cell_graph(context: Any, ref: ChannelRef) -> CellValues:
    """Return ``cluster`` or ``kept`` (the number of a cell's kept neighbours); missing for other cells.

    The parameter ``model`` names the bundle.

    Raises
    ------
    DataError
        The model has gone, or none of these cells is in its graph.
    """
    if ref.key not in CELL_KEYS:
        raise DataError(f"Of a cell graph there are {', '.join(CELL_KEYS)}, not {ref.key!r}.")
    bundle = context.bundle(str(ref.param("model", "")))
    net, dataset = scgnn_of(bundle), context.dataset
    rows_c = bundle.rows(dataset, np.arange(dataset.n_cells))
    if not (rows_c >= 0).any():
        raise DataError(
            "The cell graph is of the cells the model was trained on: train it on these to see it."
        )
    if ref.key == "cluster":
        codes_c = np.where(rows_c >= 0, net.cluster_c[rows_c], -1).astype(np.int32)
        names = tuple(f"cluster {number}" for number in range(net.n_domains))
        return CellValues(CELL_KEYS["cluster"], codes=codes_c, categories=names, note=_found(bundle))
    kept_c = net.graph.kept_ck.sum(axis=1).astype(np.float32)
    values_c = np.where(rows_c >= 0, kept_c[rows_c], np.nan).astype(np.float32)
    return CellValues(CELL_KEYS["kept"], f"of {net.graph.kept_ck.shape[1]}", values_c)


def resolve_imputed(context: Any, ref: ChannelRef) -> CellValues:
    """Return a gene's imputed values, their difference from what was observed, or its regulatory states.

    The parameter ``model`` names the bundle, ``what`` is ``imputed``, ``delta`` or ``state``.

    Raises
    ------
    DataError
        The model has gone, or does not know the gene.
    """
    what = str(ref.param("what", "imputed"))
    if what not in GENE_KEYS:
        raise DataError(f"Of a gene there are {', '.join(GENE_KEYS)}, not {what!r}.")
    bundle = context.bundle(str(ref.param("model", "")))
    scgnn_of(bundle)
    if what == "state":
        return _states(context, ref.key)
    made = _imputation(context, bundle)
    if what == "imputed":
        title = f"{ref.key}, imputed"
        return CellValues(title, "log1p of imputed share", made.gene(ref.key), note=CAUTION)
    return CellValues(
        f"{ref.key}, imputed minus observed",
        "difference of log1p normalised",
        made.delta(context.dataset, ref.key),
        centre=0.0,
        note=CAUTION,
    )


def _states(context: Any, gene: str) -> CellValues:
    (found,) = regulatory_states(context.dataset, [gene])
    names = tuple(
        f"state {number + 1} of {found.n_states}, mean {mean:.2f}"
        + (" (below detection)" if mean < found.cut else "")
        for number, mean in enumerate(found.mean_k)
    )
    note = "states of measured values; a mixture finds states in any spread of values"
    return CellValues(f"{gene}, regulatory state", codes=found.codes_c, categories=names, note=note)


def _imputation(context: Any, bundle: Bundle) -> Imputation:
    """Return the imputation of the open cells, from the store where there is one."""
    store: Any = getattr(context, "store", None)  # a picture from the shell has none
    key = ("imputation", f"{bundle.id}@{context.dataset.fingerprint[:12]}")
    made: Imputation | None = None if store is None else store.get(key)
    if made is None:
        made = impute(bundle, context.dataset)
        if store is not None:
            store.put(key, made, _bytes(made.hidden_ch) + _bytes(made.weight_gh))
    return made


def _bytes(array: NDArray[np.float32]) -> int:
    return int(array.nbytes)


def _found(bundle: Bundle) -> str:
    return f"found by {bundle.folds[0].info.title} among these cells, not tested on others"
