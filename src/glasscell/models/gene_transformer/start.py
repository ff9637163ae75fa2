"""Where training begins: tokens along the principal components of their genes that are beyond chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from glasscell.models.gene_transformer.network import GeneLayer
from glasscell.models.gene_transformer.token import pack

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from glasscell.models.gene_transformer.network import GeneNetwork

#: Cells that components are found in, at most.
MOST_CELLS = 10_000
#: Cells that the size of what is read is found in.
_READ = 512
#: Numbers of a token that are its name alone, as a share of the direction all tokens have in common.
_OWN_NAME = 0.3


def components(
    values_ct: NDArray[np.float64], most: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find the principal components that vary more than any of genes shuffled each by itself.

    Parameters
    ----------
    values_ct
        Expression, ``(n_cells, n_genes)``.
    most
        Components at most.

    Returns
    -------
    Axes ``(n_genes, n_found)`` and the share of each one's variance that is above chance, ``(n_found,)``.
    There are none in genes that know nothing of each other.

    References
    ----------
    Horn 1965, doi:10.1007/BF02289447 (chance by shuffling); Tipping & Bishop 1999,
    doi:10.1111/1467-9868.00196, equation 9 (the share).
    """
    rng = np.random.default_rng([seed, 0x60E5])
    centred = values_ct - values_ct.mean(axis=0)
    shuffled = rng.permuted(centred, axis=0)
    value_p, axes_gp = np.linalg.eigh(centred.T @ centred)
    chance = float(np.linalg.eigvalsh(shuffled.T @ shuffled)[-1])
    found = np.flatnonzero(value_p > chance)[::-1][:most]
    return axes_gp[:, found], 1 - chance / value_p[found]


def start_at_components(
    network: GeneNetwork, table_ct: sparse.csr_matrix, cells: NDArray[np.int64], seed: int
) -> int:
    """Set every token's numbers along the components, and return how many there are.

    All tokens share a direction, so that their normalisation hardly bends what they add to it: attended to
    evenly, they give the class token the cell's place along each component.
    """
    rng = np.random.default_rng([seed, 0x7A97])
    drawn = np.sort(rng.permutation(cells)[:MOST_CELLS])
    tokens, width = network.tokens, network.norm.weight.numel()
    x_ct = torch.from_numpy(table_ct[drawn].toarray())
    values_ct = tokens.scaled(x_ct).double().numpy()
    axes_tp, share_p = components(values_ct, width, seed)
    loading_tp = axes_tp * np.sqrt(share_p)
    size = float(np.sqrt(np.square(loading_tp).sum(axis=1).mean())) if loading_tp.size else 1.0
    value = np.zeros(tokens.value.shape)
    value[:, : axes_tp.shape[1]] = loading_tp / size
    common = rng.standard_normal(width)
    with torch.no_grad():
        tokens.value.copy_(torch.from_numpy(value))
        tokens.name.copy_(torch.from_numpy(common + _OWN_NAME * rng.standard_normal(tokens.name.shape)))
    _unit_reading(network, x_ct[:_READ])
    return int(axes_tp.shape[1])


@torch.no_grad()
def _unit_reading(network: GeneNetwork, x_ct: Tensor) -> None:
    """Scale what the first layer reads, so that the class token varies by one about zero over cells.

    The mean over many tokens hardly differs from cell to cell, and what does not differ is all that later
    layers would see.

    References
    ----------
    Mishkin & Matas 2016, arXiv:1511.06422.
    """
    layer = network.layers[0]
    assert isinstance(layer, GeneLayer)
    own = [layer.read(*network.start(part, pack(network.presence(part)))) for part in torch.split(x_ct, 64)]
    read_cz = torch.cat(own)
    spread = read_cz.std(dim=0).square().mean().sqrt().clamp(min=1e-3)
    layer.out.weight.div_(spread)
    layer.out.bias.copy_((layer.out.bias - read_cz.mean(dim=0)) / spread)
