"""A VELOVI as explanations see it: latents of spliced and unspliced RNA, and the velocity of each gene."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from glasscell.models.scvi.multimodal import KindsModel
from glasscell.models.scvi.network import folded
from glasscell.models.target import Target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glasscell.models.cell_batch import CellBatch

#: Keeps apart rates that would divide by nothing, as scvi-tools has it.
_APART = 1e-6


class VelocityModel(KindsModel):
    """One VELOVI; made as ``KindsModel`` is.

    Each column it reads is scaled between its least and largest value over the cells of the training;
    attributions are made of the values as the file has them. Genes without a column of unspliced RNA, or
    without variation, are not read.

    Parameters
    ----------
    read, low, span
        Columns it reads, spliced then unspliced RNA of the same genes, their least values and their ranges,
        ``(2 * n_pairs,)`` each.
    """

    def __init__(
        self,
        *args: Any,
        read: tuple[int, ...],
        low: tuple[float, ...],
        span: tuple[float, ...],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._read, self._low, self._span = read, low, span

    @property
    def moving(self) -> tuple[str, ...]:
        """Genes that have a velocity; its targets are ``velocity:GENE``."""
        return tuple(self.genes[column] for column in self._read[: len(self._read) // 2])

    def description(self) -> Mapping[str, Any]:
        """Return what rebuilds the model beside weights and genes."""
        return {
            **super().description(),
            "read": list(self._read),
            "low": list(self._low),
            "span": list(self._span),
        }

    @cached_property
    def _known_targets(self) -> tuple[Target, ...]:
        latents = tuple(Target("latent", str(number)) for number in range(self.n_latent))
        return latents + tuple(Target("velocity", gene) for gene in self.moving)

    def first(self, batch: CellBatch) -> tuple[Tensor, Tensor]:
        """Return ``W`` and ``b`` with BatchNorm and the scaling of columns folded in."""
        weight_hp, bias_h = folded(self._layers, len(self._read), self._covariates(batch))
        scaled_hp = weight_hp / self._like(self._span, weight_hp)
        weight_hg = weight_hp.new_zeros(len(weight_hp), len(self.genes))
        weight_hg[:, list(self._read)] = scaled_hp
        return weight_hg, bias_h - scaled_hp @ self._like(self._low, weight_hp)

    def _encoded(self, values_cg: Tensor, covariates: Tensor | None) -> Tensor:
        read_cp = values_cg[:, list(self._read)] - self._like(self._low, values_cg)
        return super()._encoded(read_cp / self._like(self._span, values_cg), covariates)

    def _like(self, values: tuple[float, ...], other: Tensor) -> Tensor:
        return torch.tensor(values, dtype=other.dtype, device=other.device)

    def _score(self, latent_cz: Tensor, target: Target) -> Tensor:
        if target.kind == "latent":
            return super()._score(latent_cz, target)
        return self._velocity(latent_cz)[:, self.moving.index(target.name)]

    def velocity(self, batch: CellBatch) -> Tensor:
        """Return how fast spliced RNA of each of the ``moving`` genes grows, ``(n, n_moving)``.

        In the file's unit of spliced RNA per unit of the model's time, which has no scale of its own: compare
        signs, cells of one gene, not genes. The mean over the states that a gene may be in, at the latents'
        means; scvi-tools' ``get_velocity`` draws latents and states, and cuts decreases at what is there.

        References
        ----------
        Gayoso et al. 2024, doi:10.1038/s41592-023-01994-w, "veloVI model".
        """
        return self._velocity(self.encode(batch))

    def _velocity(self, latent_cz: Tensor) -> Tensor:
        network = self.network
        amount_cgs, induced_cg, repressed_cg = network.decoder(latent_cz)
        state_cgs = amount_cgs / amount_cgs.sum(dim=-1, keepdim=True)
        beta_g, gamma_g = (
            functional.softplus(rate).clamp(0, 50)
            for rate in (network.beta_mean_unconstr, network.gamma_mean_unconstr)
        )
        alpha_g = functional.softplus(network.alpha_unconstr).clamp(0, 50)
        switch_g = functional.softplus(network.switch_time_unconstr).clamp(0, network.t_max)

        def growth(unspliced_cg: Tensor, spliced_cg: Tensor) -> Tensor:
            return beta_g * unspliced_cg - gamma_g * spliced_cg

        rising_cg = growth(*_induced(alpha_g, beta_g, gamma_g, switch_g * induced_cg))
        at_switch = _induced(alpha_g, beta_g, gamma_g, switch_g)
        falling_cg = growth(
            *_repressed(*at_switch, beta_g, gamma_g, (network.t_max - switch_g) * repressed_cg)
        )
        scaled_cg = state_cgs[..., 0] * rising_cg + state_cgs[..., 2] * falling_cg
        velocity_cg: Tensor = scaled_cg * self._like(self._span[: len(self._span) // 2], scaled_cg)
        return velocity_cg


def _induced(alpha: Tensor, beta: Tensor, gamma: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    """Return unspliced and spliced RNA some time after transcription began at nothing."""
    early, late = torch.exp(-beta * time), torch.exp(-gamma * time)
    unspliced = alpha / beta * (1 - early)
    spliced = alpha / gamma * (1 - late) + alpha / (gamma - beta + _APART) * (late - early)
    return unspliced, spliced


def _repressed(
    unspliced: Tensor, spliced: Tensor, beta: Tensor, gamma: Tensor, time: Tensor
) -> tuple[Tensor, Tensor]:
    """Return unspliced and spliced RNA some time after transcription ended."""
    early, late = torch.exp(-beta * time), torch.exp(-gamma * time)
    return unspliced * early, spliced * late - beta * unspliced / (gamma - beta + _APART) * (late - early)
