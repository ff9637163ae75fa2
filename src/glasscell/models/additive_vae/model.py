"""A trained additive VAE as explanations see it: a VAE whose factors can be read off one by one."""

from __future__ import annotations

from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from glasscell.errors import NotCompatible
from glasscell.models.additive_vae.effect import (
    PSEUDO_SHARE,
    FactorEffects,
    effects_of_curves,
    effects_of_lines,
    present_effects,
    vanished,
)
from glasscell.models.vae.model import VaeModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from glasscell.models.additive_vae.network import AdditiveNetwork
    from glasscell.models.cell_batch import CellBatch

SWEEP_STEPS = 20


class AdditiveModel(VaeModel):
    """One published network of the family ``additive_vae``; in addition to a VAE's it is Structured.

    What each factor gives a gene does not depend on the other factors or on the batch. Factors have numbers
    and no names, and their signs are arbitrary.
    """

    @property
    def additive(self) -> AdditiveNetwork:
        """The network."""
        return cast("AdditiveNetwork", self.network)

    @property
    def linear(self) -> bool:
        """Whether each factor moves log-rates along a line."""
        return self.additive.linear

    @property
    def low(self) -> NDArray[np.float32]:
        """Least value of each latent over the cells of the training, ``(n_latent,)``."""
        return np.asarray(self.additive.low.cpu().numpy(), np.float32)

    @property
    def high(self) -> NDArray[np.float32]:
        """Largest value of each latent over the cells of the training, ``(n_latent,)``."""
        return np.asarray(self.additive.high.cpu().numpy(), np.float32)

    @property
    def vanished(self) -> NDArray[np.bool_]:
        """Factors that do nothing, ``(n_latent,)``."""
        return vanished(self.low, self.high)

    def log_rate(self, latent_cz: Tensor, batch: CellBatch) -> Tensor:
        """Return log-rates before they are made shares of a cell's counts, ``(n, n_genes)``.

        Of a linear decoder their derivative by a latent is its row of ``loadings``.
        """
        return self.additive.decoder.log_rate(
            latent_cz, self.additive.batches(self._decoded_codes(batch, latent_cz), latent_cz)
        )

    def split_log_rates(self, latent_cz: Tensor, batch: CellBatch | None = None) -> Tensor:
        """Return the log-rate each factor gives each gene alone, ``(n, n_latent, n_genes)``.

        ``logsumexp`` over factors is ``log_rate``; of a linear decoder each factor's is an addend, and the
        base, what a cell has with all latents 0, is left out.

        Parameters
        ----------
        batch
            Gives the batch of the cells; None decodes half-way between the batches.
        """
        split_czg = self.additive.decoder.factors.split(latent_cz)
        if self.linear:
            return split_czg
        codes = None if batch is None else self._decoded_codes(batch, latent_cz)
        base = self.additive.decoder.base(self.additive.batches(codes, latent_cz))
        return split_czg + (base if base.ndim == 1 else base[:, None])

    def loadings(self) -> NDArray[np.float32]:
        """Return the change of each gene's log-rate per unit of each latent, ``(n_latent, n_genes)``.

        Each row is centred over genes: a number added to all genes changes no share.

        Raises
        ------
        NotCompatible
            The decoder is not linear.
        """
        if not self.linear:
            raise NotCompatible(
                "Only a linear decoder has loadings: train it with linear on, or ask for factor effects."
            )
        return np.array(self.additive.decoder.factors.genes.weight.T.cpu().numpy(), np.float32)

    @torch.no_grad()
    def factor_curves(self, steps: int = SWEEP_STEPS) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Sweep each latent from 0 to its maximum (up) and minimum (down), half-way between the batches.

        The extremes are those over the cells of the training. A direction in which no cell lies
        stays at 0.

        Returns
        -------
        Values of the latents ``(n_latent, 2, steps)`` and the log-rates each gives alone
        ``(n_latent, 2, steps, n_genes)``.
        """
        ends_kd = np.stack([np.maximum(self.high, 0.0), np.minimum(self.low, 0.0)], axis=1)
        values_kds = (ends_kd[:, :, None] * np.linspace(0, 1, steps)).astype(np.float32)
        latent = torch.from_numpy(values_kds.reshape(self.n_latent, -1).T.copy()).to(self.device, self.dtype)
        parts = [self.split_log_rates(row).cpu().numpy() for row in torch.split(latent, 8)]
        shape = (self.n_latent, 2, steps, len(self.genes))
        log_rate_kdsg = np.concatenate(parts).transpose(1, 0, 2).reshape(shape)
        return values_kds, np.asarray(log_rate_kdsg, np.float32)

    @cached_property
    def effects(self) -> FactorEffects:
        """What each factor could do to each gene with the others at their least and at their most."""
        if self.linear:
            return effects_of_lines(self.loadings(), self.low, self.high)
        return effects_of_curves(self.factor_curves()[1], PSEUDO_SHARE)

    @torch.no_grad()
    def present_effects(self, batch: CellBatch) -> NDArray[np.float32]:
        """Return what each factor does in each cell as it is: log-fold change if it were taken away.

        Of a linear decoder, which has no share of a gene to take away, it is the addend to the log-rate.

        Returns
        -------
        ``(n, n_latent, n_genes)``, meant for some hundred cells at a time.
        """
        latent_cz = self.encode(batch)
        split_czg = self.split_log_rates(latent_cz, batch)
        if self.linear:
            return np.asarray(split_czg.cpu().numpy(), np.float32)
        whole_c = torch.logsumexp(split_czg.flatten(1), dim=1)
        return present_effects((split_czg - whole_c[:, None, None]).cpu().numpy())

    def parts(self) -> Mapping[str, Any]:
        """Return read-only arrays by name.

        ``low``, ``high`` and ``vanished`` ``(n_latent,)``; ``highest``, ``lowest``, ``combined`` and
        ``specificity`` ``(n_latent, 2, n_genes)`` with the directions up and down; of a linear decoder also
        ``loadings`` ``(n_latent, n_genes)``.
        """
        effects = self.effects
        found = {
            "low": self.low,
            "high": self.high,
            "vanished": self.vanished,
            "highest": effects.highest_kdg,
            "lowest": effects.lowest_kdg,
            "combined": effects.combined_kdg,
            "specificity": effects.specificity_kdg,
        }
        if self.linear:
            found["loadings"] = self.loadings()
        for name, values in found.items():
            found[name] = values.copy()
            found[name].flags.writeable = False
        return MappingProxyType(found)

    def _decoded_codes(self, batch: CellBatch, latent_cz: Tensor) -> Tensor | None:
        codes = self._codes(batch)
        if codes is not None and len(codes) != len(latent_cz):
            raise NotCompatible("Decoding needs one latent per cell of the batch.")
        return codes
