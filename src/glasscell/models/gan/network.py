"""The network of the family ``gan``: an autoencoder of counts, and a pair that generates and judges codes."""

from __future__ import annotations

import torch
from torch import Tensor

from glasscell.models.gan.adversary import Adversary
from glasscell.models.vae.layer import divergence
from glasscell.models.vae.network import VaeNetwork


class GanNetwork(VaeNetwork):
    """Cells as codes: latent means and the log of the size; codes are generated, judged and decoded.

    Parameters
    ----------
    n_genes, n_latent, hidden, dropout, input_dropout
        Of the autoencoder.
    noise, n_kinds, gan_hidden
        Of generator and critic; no kind is known when ``n_kinds`` is 0.
    """

    code_mean: Tensor
    code_scale: Tensor
    spread: Tensor
    kind_share: Tensor

    def __init__(
        self,
        n_genes: int,
        n_latent: int,
        *,
        hidden: int,
        dropout: float,
        input_dropout: float,
        noise: int,
        n_kinds: int,
        gan_hidden: int,
    ) -> None:
        super().__init__(n_genes, n_latent, hidden=hidden, dropout=dropout, input_dropout=input_dropout)
        self.adversary = Adversary(noise, n_kinds, n_latent + 1, gan_hidden)
        self.register_buffer("code_mean", torch.zeros(n_latent + 1))
        self.register_buffer("code_scale", torch.ones(n_latent + 1))
        self.register_buffer("spread", torch.zeros(n_latent))
        self.register_buffer("kind_share", torch.full((n_kinds,), 1 / max(1, n_kinds)))

    def forward(
        self, x_cg: Tensor, counts_cg: Tensor, size_c: Tensor, codes: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Return each cell's Poisson log-likelihood, but for a constant, and its divergence from the prior.

        A dispersion learnt beside would explain as noise what codes must explain for generated genes to go
        together; it is fitted once the codes stand.
        """
        mean_cz, variance_cz = self.encoder(x_cg, None)
        log_mean_cg = self.decoder(self.sample(mean_cz, variance_cz), None)
        log_mean_cg = log_mean_cg + size_c.clamp(min=1.0).log()[:, None]
        fit_c = (counts_cg * log_mean_cg - log_mean_cg.exp()).sum(dim=1)
        return fit_c, divergence(mean_cz, variance_cz)

    def hold(self, mean_d: Tensor, scale_d: Tensor, spread_z: Tensor, share_k: Tensor) -> None:
        """Take over mean and scale of codes, spread of latents given a cell, and how frequent kinds are."""
        self.code_mean.copy_(mean_d)
        self.code_scale.copy_(scale_d)
        self.spread.copy_(spread_z)
        self.kind_share.copy_(share_k)

    @torch.no_grad()
    def reorder_codes(self, order: Tensor, sign: Tensor) -> None:
        """Follow latents that were put in another order and sign, in place: latent ``order[k]`` becomes k."""
        last = torch.tensor([len(order)], device=order.device)
        at, flip = torch.cat([order, last]), torch.cat([sign, sign.new_ones(1)])
        self.code_mean.copy_(self.code_mean[at] * flip)
        self.code_scale.copy_(self.code_scale[at].clone())
        self.spread.copy_(self.spread[order].clone())
        critic, generator = self.adversary.critic.first, self.adversary.generator
        critic.weight.copy_(critic.weight[:, at] * flip)
        generator.last.weight.copy_(generator.last.weight[at] * flip[:, None])
        generator.last.bias.copy_(generator.last.bias[at] * flip)
        if generator.kind_again is not None:
            generator.kind_again.weight.copy_(generator.kind_again.weight[at] * flip[:, None])

    def code(self, latent_cz: Tensor, size_c: Tensor | None) -> Tensor:
        """Return standardised codes, ``(n, n_latent + 1)``; a cell of unknown size has the mean one."""
        if size_c is None:
            log_size_c = self.code_mean[-1:].expand(len(latent_cz))
        else:
            log_size_c = size_c.to(latent_cz.dtype).clamp(min=1.0).log()
        code_cd = torch.cat([latent_cz, log_size_c[:, None]], dim=1)
        return (code_cd - self.code_mean) / self.code_scale

    def decode_code(self, code_cd: Tensor, noise_cz: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the share of each gene ``(n, n_genes)`` and the size ``(n,)`` that codes stand for.

        Parameters
        ----------
        noise_cz
            Standard normals: where in the spread of its latents each cell lies; None: in the middle.
        """
        plain_cd = code_cd * self.code_scale + self.code_mean
        latent_cz = plain_cd[:, :-1]
        if noise_cz is not None:
            latent_cz = latent_cz + self.spread * noise_cz
        log_share_cg: Tensor = self.decoder(latent_cz, None)
        return log_share_cg.exp(), plain_cd[:, -1].exp()
