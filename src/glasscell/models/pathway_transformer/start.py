"""Where training begins: every token at the principal components of its own genes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from glasscell.models.component import GeneComponents, sample_cells

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from glasscell.jobs import JobHandle
    from glasscell.models.pathway_transformer.network import TransformerNetwork


@torch.no_grad()
def start_at_components(
    network: TransformerNetwork,
    table_cg: sparse.csr_matrix,
    train: NDArray[np.int64],
    *,
    seed: int,
    job: JobHandle,
) -> None:
    """Set each token's weights to the leading principal axes of its genes over training cells.

    Parameters
    ----------
    network
        With the moments of the genes already set; changed in place.
    table_cg
        Input of all cells, ``(n_cells, n_genes)``.
    train
        Cells that may be looked at.
    job
        Told after every token.
    """
    embedding, standardise = network.embedding, network.standardise
    moments = standardise.mean.double().numpy(), standardise.scale.double().numpy()
    components = GeneComponents(table_cg[sample_cells(train, seed)], *moments, seed=seed)
    width = embedding.free.out_features
    index, member = embedding.index.numpy(), embedding.member.numpy()
    embedding.weight.zero_()
    for token in range(len(index)):
        job.report(0.0, f"components of set {token + 1} of {len(index)}")
        axes, _ = components.of(index[token, member[token]], width, job)
        embedding.weight[token, : len(axes), : axes.shape[1]] = torch.from_numpy(axes).float()
    axes, _ = components.of(np.arange(embedding.free.in_features), width, job)
    embedding.free.weight.zero_()
    embedding.free.weight[: axes.shape[1]] = torch.from_numpy(axes.T.copy()).float()
