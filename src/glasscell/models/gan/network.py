"""The network of the family ``gan``: an autoencoder of counts, and a pair that generates and judges codes."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from glasscell.models.gan.adversary import Adversary
from glasscell.models.layer import Dropout, Standardise
from glasscell.models.vae.layer import VARIANCE_FLOOR, GaussianSample, divergence, one_hot


class ComponentEncoder(nn.Module):
    """Principal components of normalised expression, which stay as they are, and how sure each one is.

    Parameters
    ----------
    n_genes, n_latent
        Sizes of input and output.
    input_dropout
        Share of genes hidden at each step of the training.
    """

    def __init__(self, n_genes: int, n_latent: int, input_dropout: float) -> None:
        super().__init__()
        self.standardise = Standardise(n_genes)
        self.input_dropout = Dropout(input_dropout)
        self.mean = nn.Linear(n_genes, n_latent).requires_grad_(False)
        self.log_variance = nn.Linear(n_latent, n_latent)

    @property
    def n_latent(self) -> int:
        """Latent dimensions."""
        return self.mean.out_features

    def forward(self, x_cg: Tensor, batch_cb: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return mean and variance of each cell's latents, ``(n, n_latent)`` each; no batch is known."""
        mean_cz = self.mean(self.input_dropout(self.standardise(x_cg)))
        return mean_cz, self.log_variance(mean_cz).clamp(-12.0, 8.0).exp() + VARIANCE_FLOOR

    def folded(self, batch_cb: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return ``W``, ``b`` from expression to latents, standardisation folded in."""
        return self.standardise.into(self.mean)

    def latent(self, hidden_cz: Tensor) -> Tensor:
        """Return latent means from ``W x + b``: the same."""
        return hidden_cz

    @torch.no_grad()
    def reorder(self, order: Tensor, sign: Tensor) -> None:
        """Make latent ``order[k]`` the latent ``k``, times ``sign[k]``, in place."""
        self.mean.weight.copy_(self.mean.weight[order] * sign[:, None])
        self.mean.bias.copy_(self.mean.bias[order] * sign)
        self.log_variance.weight.copy_(self.log_variance.weight[order][:, order] * sign)
        self.log_variance.bias.copy_(self.log_variance.bias[order].clone())


class BentDecoder(nn.Module):
    """Latents to the log share of each gene along straight lines, and what a hidden layer bends them by.

    What a kind has more or less of than its cells' latents say is added; training leaves it at zero.

    Parameters
    ----------
    n_latent, n_genes, hidden, n_kinds
        Sizes; no kind is known when ``n_kinds`` is 0.
    """

    def __init__(self, n_latent: int, n_genes: int, hidden: int, n_kinds: int = 0) -> None:
        super().__init__()
        self.first = nn.Linear(n_latent, hidden)
        self.genes = nn.Linear(n_latent + hidden, n_genes)
        self.kind = nn.Linear(n_kinds, n_genes, bias=False).requires_grad_(False) if n_kinds else None

    def read(self, latent_cz: Tensor) -> Tensor:
        """Return what the last layer reads: latents and hidden units, ``(n, n_latent + hidden)``."""
        return torch.cat([latent_cz, functional.relu(self.first(latent_cz))], dim=1)

    def forward(self, latent_cz: Tensor, kind_ck: Tensor | None) -> Tensor:
        """Return log shares, ``(n, n_genes)``; ``exp`` of a row sums to one.

        Parameters
        ----------
        kind_ck
            Kinds as indicator rows; None: the latents alone speak.
        """
        logit_cg = self.genes(self.read(latent_cz))
        if self.kind is not None and kind_ck is not None:
            logit_cg = logit_cg + self.kind(kind_ck)
        return functional.log_softmax(logit_cg, dim=1)

    @torch.no_grad()
    def reorder(self, order: Tensor, sign: Tensor) -> None:
        """Read latents that were put in another order and sign, in place."""
        self.first.weight.copy_(self.first.weight[:, order] * sign)
        straight = self.genes.weight[:, : len(order)]
        straight.copy_(straight[:, order] * sign)


class GanNetwork(nn.Module):
    """Cells as codes: latent means and the log of the size; codes are generated, judged and decoded.

    Parameters
    ----------
    n_genes, n_latent, hidden, input_dropout
        Of the autoencoder; ``hidden`` are units of the decoder.
    noise, n_kinds, gan_hidden
        Of generator and critic; no kind is known when ``n_kinds`` is 0.
    """

    steps: Tensor
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
        input_dropout: float,
        noise: int,
        n_kinds: int,
        gan_hidden: int,
    ) -> None:
        super().__init__()
        self.encoder = ComponentEncoder(n_genes, n_latent, input_dropout)
        self.sample = GaussianSample()
        self.decoder = BentDecoder(n_latent, n_genes, hidden, n_kinds)
        self.log_dispersion = nn.Parameter(torch.zeros(n_genes))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64), persistent=False)
        self.adversary = Adversary(noise, n_kinds, n_latent + 1, gan_hidden)
        self.register_buffer("code_mean", torch.zeros(n_latent + 1))
        self.register_buffer("code_scale", torch.ones(n_latent + 1))
        self.register_buffer("spread", torch.zeros(n_latent))
        self.register_buffer("kind_share", torch.full((n_kinds,), 1 / max(1, n_kinds)))

    def batches(self, codes: Tensor | None, like: Tensor) -> None:
        """Know no batches."""

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
    def reorder(self, order: Tensor, sign: Tensor) -> None:
        """Make latent ``order[k]`` the latent ``k``, times ``sign[k]``, in place; cells stay the same."""
        self.encoder.reorder(order, sign)
        self.decoder.reorder(order, sign)
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

    def kinds(self, kind_c: Tensor, like: Tensor) -> Tensor | None:
        """Return kinds as indicator rows; a cell of none is a bit of each, None where no kind is known."""
        return one_hot(kind_c, self.adversary.n_kinds, like)

    def decode_code(
        self, code_cd: Tensor, kind_ck: Tensor | None, noise_cz: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the share of each gene ``(n, n_genes)`` and the size ``(n,)`` that codes stand for.

        Parameters
        ----------
        kind_ck
            Kinds as indicator rows, as ``kinds`` makes them.
        noise_cz
            Standard normals: where in the spread of its latents each cell lies; None: in the middle.
        """
        plain_cd = code_cd * self.code_scale + self.code_mean
        latent_cz = plain_cd[:, :-1]
        if noise_cz is not None:
            latent_cz = latent_cz + self.spread * noise_cz
        log_share_cg: Tensor = self.decoder(latent_cz, kind_ck)
        return log_share_cg.exp(), plain_cd[:, -1].exp()
