"""Codes that a generator makes of noise, and the mean cell of each kind they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.models.gan.network import GanNetwork

_AVERAGED = 200


@torch.no_grad()
def made_codes(
    network: GanNetwork, kind_c: NDArray[np.integer[Any]], noise: torch.Generator
) -> NDArray[np.float32]:
    """Return standardised codes that the generator makes of noise, ``(n, n_latent + 1)``.

    Parameters
    ----------
    kind_c
        Kind of each, ``(n,)``; -1 throughout for a network without kinds.
    """
    pair = network.adversary
    noise_cn = torch.randn(len(kind_c), pair.noise, generator=noise).to(network.code_mean)
    kinds = torch.from_numpy(np.asarray(kind_c, np.int64)).to(noise_cn.device)
    made = pair.generator(noise_cn, network.kinds(kinds, noise_cn))
    return np.asarray(made.cpu().numpy(), np.float32)


@torch.no_grad()
def generated_means(network: GanNetwork, total: float) -> NDArray[np.float32]:
    """Return the mean generated cell of each kind, log1p of share x ``total``, ``(n_kinds, n_genes)``."""
    noise, n_kinds = torch.Generator().manual_seed(0), network.adversary.n_kinds
    rows = []
    for kind in range(n_kinds) if n_kinds else (-1,):
        code_cd = torch.from_numpy(made_codes(network, np.full(_AVERAGED, kind), noise))
        code_cd = code_cd.to(network.code_mean)
        kind_c = torch.full((len(code_cd),), kind, device=code_cd.device)
        share_cg, _ = network.decode_code(code_cd, network.kinds(kind_c, code_cd))
        rows.append(torch.log1p(total * share_cg.mean(dim=0)).cpu().float().numpy())
    return np.stack(rows)
