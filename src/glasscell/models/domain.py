"""What the domains of a model are called, and which of them each cell is in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from glasscell.models.capability.domain import NamesDomains

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.models.capability.domain import FindsDomains


def domain_names(net: FindsDomains) -> tuple[str, ...]:
    """Return names in the order of the numbers: the model's own, or ``domain 0``, ``domain 1``, ..."""
    if isinstance(net, NamesDomains):
        return tuple(net.domain_names)
    return tuple(f"domain {number}" for number in range(net.n_domains))


@torch.no_grad()
def domain_of_cells(net: Any, latent_cz: NDArray[np.floating[Any]]) -> NDArray[np.int32]:
    """Return the domain of each cell from its latents, ``(n,)`` int32.

    It is the likeliest one, or -1 where a model says that a cell is in none of those it names.
    """
    values = torch.from_numpy(np.array(latent_cz)).to(net.device, net.dtype)
    found = net.domain_codes(values) if isinstance(net, NamesDomains) else net.logits_of(values).argmax(dim=1)
    return np.asarray(found.cpu().numpy(), np.int32)
