"""How much one gene sways the prediction of another in each cell, as a colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from glasscell.data.channel import CellValues, ChannelRef
from glasscell.data.rank import rank_correlation
from glasscell.errors import NotCompatible
from glasscell.models.batch import make_batch
from glasscell.models.grn.model import GrnModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.models.bundle import Bundle
    from glasscell.models.capability.model import Model

#: Pairs of genes that a search lists: those of the largest mean influence.
MOST_LISTED = 300
_BLOCK = 1024


def resolve_influence(context: Any, ref: ChannelRef) -> CellValues:
    """Return the slope of a gene's prediction along a regulator in each cell; missing cells have none.

    The key is the gene, the parameters ``regulator`` and ``model`` name the other gene and the bundle.

    Raises
    ------
    NotCompatible
        The model is of another family, or does not use one of the genes.
    """
    bundle = context.bundle(str(ref.param("model", "")))
    regulator = str(ref.param("regulator", ""))
    values_c, rho = _asked(bundle, context.dataset, regulator, ref.key)
    note = "what the network uses, which need not be what regulates; Spearman"
    return CellValues(
        f"influence of {regulator} on {ref.key}",
        "standard deviations per standard deviation",
        values_c,
        centre=0.0,
        note=f"{note} {rho:+.2f}",
    )


def influence_of_cells(bundle: Bundle, dataset: Dataset, regulator: str, gene: str) -> NDArray[np.float32]:
    """Return the influence of a regulator on a gene in each cell of a dataset, ``(n_cells,)``.

    Raises
    ------
    NotCompatible
        The model is of another family, the data lack its genes, or it does not use one of the two.
    """
    return _asked(bundle, dataset, regulator, gene)[0]


def listed_pairs(net: Model, most: int = MOST_LISTED) -> Iterator[tuple[str, str]]:
    """List regulator and gene of the largest mean influences over training cells, largest first."""
    if not isinstance(net, GrnModel):
        return
    size_gr = np.abs(net.parts()["influence"])
    order = np.argsort(-size_gr, axis=None, kind="stable")[:most]
    for gene, source in zip(*np.unravel_index(order, size_gr.shape), strict=True):
        if size_gr[gene, source] > 0:
            yield net.regulators[source], net.used_genes[gene]


def _asked(bundle: Bundle, dataset: Dataset, regulator: str, gene: str) -> tuple[NDArray[np.float32], float]:
    """Return the influence in each cell, and Spearman's correlation of both genes, 0 for a constant one."""
    net = bundle.folds[0]
    if not isinstance(net, GrnModel):
        raise NotCompatible(f"{net.info.title} has no influences between genes: train the family grn.")
    source, target = net.place(regulator, acting=True), net.place(gene)
    columns = [int(net.network.used[net.network.sources[source]]), int(net.network.used[target])]
    influences, pairs = [], []
    for start in range(0, dataset.n_cells, _BLOCK):
        cells = np.arange(start, min(start + _BLOCK, dataset.n_cells))
        x_cg = net.inputs(make_batch(dataset, net, cells))
        influences.append(net.influence(x_cg, regulator, gene).cpu())
        pairs.append(x_cg[:, columns].cpu().numpy())
    rho = float(np.nan_to_num(rank_correlation(*np.concatenate(pairs).T)))
    return np.asarray(torch.cat(influences).numpy(), np.float32), rho
