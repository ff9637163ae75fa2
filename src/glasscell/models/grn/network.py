"""The network of the family ``grn``: every gene from the others; its own value has no way to it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from glasscell.models.layer import Noise, Standardise


class HiddenInputs(Noise):
    """Hides a share of the inputs at each training step: a hidden gene looks like its mean."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, standard_cg: Tensor) -> Tensor:
        """Hide in training, pass through in evaluation."""
        if not self.training or self.share == 0:
            return standard_cg
        drawn_cg = torch.empty_like(standard_cg).uniform_(generator=self.generator)
        return standard_cg * (drawn_cg >= self.share)


class GrnNetwork(nn.Module):
    """One hidden layer that all genes share, less what the foretold gene itself put into it.

    Gene ``g`` is ``b_g + v_g . tanh(W z - W_g z_g + c)``, with ``z`` the standardised regulators and ``W_g``
    the column of ``g`` in ``W`` (none when it is no regulator).

    Parameters
    ----------
    n_genes
        Inputs in all.
    used
        Which of them are foretold, ``(n_used,)`` int64.
    sources
        Places in ``used`` of those that may act, ``(n_sources,)`` int64.
    hidden, mask_share
        Width, and share of inputs hidden in training.
    """

    used: Tensor
    sources: Tensor
    mean_gr: Tensor

    def __init__(
        self, n_genes: int, used: Tensor, sources: Tensor, *, hidden: int, mask_share: float
    ) -> None:
        super().__init__()
        self.n_genes = n_genes
        self.register_buffer("used", used.clone())
        self.register_buffer("sources", sources.clone())
        self.register_buffer("mean_gr", torch.zeros(len(used), len(sources)))
        self.standardise = Standardise(len(used))
        self.hide = HiddenInputs(mask_share)
        self.first = nn.Linear(len(sources), hidden)
        self.out = nn.Linear(hidden, len(used))

    def standard(self, x_cg: Tensor) -> Tensor:
        """Return the used genes in standard deviations from their mean, ``(n, n_used)``."""
        standard_cg: Tensor = self.standardise(x_cg[:, self.used])
        return standard_cg

    def own(self) -> Tensor:
        """Return what a gene's own value would put into the hidden layer, ``(hidden, n_used)``."""
        weight_hr = self.first.weight
        return weight_hr.new_zeros(len(weight_hr), len(self.used)).index_copy(1, self.sources, weight_hr)

    def before(self, standard_cg: Tensor) -> Tensor:
        """Return the hidden layer as each gene sees it, before its curve, ``(n, n_used, hidden)``."""
        shared_ch: Tensor = self.first(standard_cg[:, self.sources])
        return shared_ch[:, None] - standard_cg[:, :, None] * self.own().T

    def before_one(self, standard_cg: Tensor, gene: int) -> Tensor:
        """Return the hidden layer as one gene sees it, ``(n, hidden)``; its own value is cut off before."""
        others_g = torch.ones_like(self.standardise.mean)
        others_g[gene] = 0.0
        seen_ch: Tensor = self.first((standard_cg * others_g)[:, self.sources])
        return seen_ch

    def one(self, standard_cg: Tensor, gene: int) -> Tensor:
        """Foretell one gene, in its standard deviations, ``(n,)``."""
        hidden_ch = torch.tanh(self.before_one(standard_cg, gene))
        standard_c: Tensor = hidden_ch @ self.out.weight[gene] + self.out.bias[gene]
        return standard_c

    def forward(self, standard_cg: Tensor) -> Tensor:
        """Foretell every used gene from the others, in standard deviations, ``(n, n_used)``."""
        hidden_cgh = torch.tanh(self.before(self.hide(standard_cg)))
        made_cg: Tensor = (hidden_cgh * self.out.weight).sum(dim=2) + self.out.bias
        return made_cg
