"""The network of the family ``pathway_vae``: an encoder, and a decoder in which a latent is a gene set."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from glasscell.models.mask import GroupLassoProx, MaskedLinear, SoftMaskProx
from glasscell.models.vae.layer import Encoder, GaussianSample, divergence, negative_binomial, one_hot


class PathwayDecoder(nn.Module):
    """Latents times masked weights to the log share of each gene; the batch moves each gene by a factor.

    Shares are not made to sum to one: a gene outside a set does not move when the set does.

    Parameters
    ----------
    open_gk
        Which latent reaches which gene, ``(n_genes, n_latent)`` bool.
    n_batches
        Technical batches; 0 for none.
    """

    def __init__(self, open_gk: Tensor, *, n_batches: int = 0) -> None:
        super().__init__()
        self.sets = MaskedLinear(open_gk)
        self.gene_bias = nn.Parameter(torch.zeros(open_gk.shape[0]))
        self.gene_batch = nn.Linear(n_batches, open_gk.shape[0], bias=False) if n_batches else None

    def forward(self, latent_ck: Tensor, batch_cb: Tensor | None) -> Tensor:
        """Return log shares, ``(n, n_genes)``, at most 0."""
        log_share_cg: Tensor = self.sets(latent_ck) + self.gene_bias
        if self.gene_batch is not None and batch_cb is not None:
            log_share_cg = log_share_cg + self.gene_batch(batch_cb)
        return log_share_cg.clamp(max=0.0)


class PathwayNetwork(nn.Module):
    """Counts as a negative binomial whose mean is the cell's size times the decoded shares.

    Parameters
    ----------
    member_pg
        Which gene belongs to which set, ``(n_sets, n_genes)`` bool.
    names
        Of the latents: the sets, then the free ones.
    n_free
        Latents that reach every gene and are pruned by nothing.
    soft
        Whether sets may reach genes outside them, against ``soft_strength``.
    positive
        Whether weights of sets are kept at or above zero.
    group_lasso
        Strength of the pruning of whole sets; 0 for none.
    n_batches, hidden, n_layers, dropout, input_dropout
        Of the encoder.
    """

    steps: Tensor
    member_pg: Tensor

    def __init__(
        self,
        member_pg: Tensor,
        names: tuple[str, ...],
        *,
        n_free: int = 1,
        soft: bool = False,
        positive: bool = True,
        group_lasso: float = 0.0,
        soft_strength: float = 0.0,
        n_batches: int = 0,
        hidden: int = 128,
        n_layers: int = 1,
        dropout: float = 0.1,
        input_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        n_sets, n_genes = member_pg.shape
        assert len(names) == n_sets + n_free
        self.names, self.n_batches, self.n_free, self.positive = names, n_batches, n_free, positive
        self.register_buffer("member_pg", member_pg.to(torch.bool))
        free_gf = torch.ones(n_genes, n_free, dtype=torch.bool)
        in_set_gk = torch.cat([member_pg.T.to(torch.bool), free_gf], dim=1)
        self.encoder = Encoder(
            n_genes,
            n_sets + n_free,
            hidden=hidden,
            n_layers=n_layers,
            dropout=dropout,
            n_batches=n_batches,
            input_dropout=input_dropout,
        )
        self.sample = GaussianSample()
        self.decoder = PathwayDecoder(torch.ones_like(in_set_gk) if soft else in_set_gk, n_batches=n_batches)
        self.log_dispersion = nn.Parameter(torch.zeros(n_genes))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64), persistent=False)
        size_k = torch.cat([member_pg.sum(dim=1), torch.zeros(n_free, dtype=torch.int64)])
        self._pull = SoftMaskProx(~in_set_gk, soft_strength) if soft else None
        self._prune = GroupLassoProx(size_k, group_lasso) if group_lasso else None

    @property
    def weight_gk(self) -> Tensor:
        """Weights as they act, ``(n_genes, n_latent)``."""
        return self.decoder.sets.effective

    @property
    def n_sets(self) -> int:
        """Count the sets, pruned ones included."""
        return len(self.member_pg)

    def batches(self, codes: Tensor | None, like: Tensor) -> Tensor | None:
        """Return indicator rows of batches, None when the network knows none."""
        return one_hot(codes, self.n_batches, like)

    def forward(
        self, x_cg: Tensor, counts_cg: Tensor, size_c: Tensor, codes: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Return each cell's log-likelihood at a drawn latent and its divergence from the prior, ``(n,)``."""
        batch_cb = self.batches(codes, x_cg)
        mean_ck, variance_ck = self.encoder(x_cg, batch_cb)
        log_share_cg = self.decoder(self.sample(mean_ck, variance_ck), batch_cb)
        log_mean_cg = log_share_cg + size_c.clamp(min=1.0).log()[:, None]
        fit_c = negative_binomial(counts_cg, log_mean_cg, self.log_dispersion.clamp(-8.0, 10.0))
        return fit_c, divergence(mean_ck, variance_ck)

    @torch.no_grad()
    def after_step(self, learning_rate: float) -> None:
        """Keep weights where they may be and prune, after a step of the optimiser."""
        sets = self.decoder.sets
        sets.weight.mul_(sets.open_oi)
        if self.positive:
            sets.weight[:, : self.n_sets].clamp_(min=0.0)
        if self._pull is not None:
            self._pull(sets.weight, learning_rate)
        if self._prune is not None:
            self._prune(sets.weight, learning_rate)
