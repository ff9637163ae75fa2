"""Where training begins: every token at the principal components of its own genes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy import sparse

from glasscell.models.baseline import principal_axes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle
    from glasscell.models.pathway_transformer.network import TransformerNetwork

#: Cells that components are found in, at most.
MOST_CELLS = 5000


def start_at_components(
    network: TransformerNetwork,
    table_cg: sparse.csr_matrix,
    train: NDArray[np.int64],
    *,
    seed: int,
    job: JobHandle,
) -> None:
    """Set each token's weights to the leading principal axes of its genes over training cells.

    A few thousand cells cannot tell thousands of weights from noise; components leave little to learn. Each
    token's numbers are scaled together to a mean square of one, so that small components stay small.

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
    rng = np.random.default_rng([seed, 0x5E7])
    cells = np.sort(rng.permutation(train)[:MOST_CELLS])
    embedding = network.embedding
    mean_g = network.standardise.mean.double().numpy()
    scale_g = network.standardise.scale.double().numpy()
    table = sparse.csr_matrix(table_cg[cells] @ sparse.diags(1 / scale_g), dtype=np.float32)
    columns = table.tocsc()
    width = embedding.free.out_features
    index, member = embedding.index.numpy(), embedding.member.numpy()
    with torch.no_grad():
        embedding.weight.zero_()
        for token in range(len(index)):
            job.report(0.0, f"components of set {token + 1} of {len(index)}")
            genes = index[token, member[token]]
            values_cg = columns[:, genes].toarray().astype(np.float64) - (mean_g / scale_g)[genes]
            axes = _scaled(values_cg, np.linalg.eigh(values_cg.T @ values_cg)[1][:, ::-1][:, :width])
            embedding.weight[token, : len(genes), : axes.shape[1]] = torch.from_numpy(axes).float()
        _, axes_gp = principal_axes(table, width, seed=seed, job=job, fraction=0.0)
        axes = _scaled(table, axes_gp, -(mean_g / scale_g) @ axes_gp)
        embedding.free.weight.zero_()
        embedding.free.weight[: axes.shape[1]] = torch.from_numpy(axes.T.copy()).float()


def _scaled(
    values_cg: NDArray[np.float64] | sparse.csr_matrix,
    axes_gp: NDArray[np.floating[Any]],
    shift_p: NDArray[np.float64] | float = 0.0,
) -> NDArray[np.float64]:
    """Divide axes by the root mean square of the cells' places along them, all axes together."""
    places_cp = values_cg @ axes_gp + shift_p
    size = float(np.sqrt(np.mean(np.square(places_cp))))
    return np.asarray(axes_gp / max(size, 1e-6), np.float64)
