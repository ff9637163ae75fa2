"""A trained classifier as explanations see it: evaluation mode, no gradients on weights, never changed."""

from __future__ import annotations

from copy import deepcopy
from functools import cached_property
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor

from glasscell.errors import NotCompatible
from glasscell.models.published import ClassNet
from glasscell.models.target import Target, require_target

if TYPE_CHECKING:
    from glasscell.models.cell_batch import CellBatch
    from glasscell.models.classifier.network import ClassifierNetwork


class ClassifierModel(ClassNet):
    """One published network of the family ``classifier``; offers FirstLinear, Classifies and Encodes.

    Parameters
    ----------
    network
        Trained; a copy is kept.
    info
        Words about the family.
    genes, classes
        Names of inputs and outputs.
    preprocessing
        How counts become its input.
    temperature
        Logits are divided by it before they become probabilities; scores are raw logits.
    """

    network: ClassifierNetwork

    @property
    def n_latent(self) -> int:
        """Width of the last hidden layer."""
        return self.network.first.out_features

    def targets(self) -> tuple[Target, ...]:
        """Classes, contrasts of each class with the mean of the others, and the last hidden layer's units."""
        return self.class_targets() + tuple(Target("latent", str(unit)) for unit in range(self.n_latent))

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Return a copy elsewhere or in another precision."""
        network = deepcopy(self.network).to(device=device, dtype=dtype)
        return type(self)(network, self.info, self.genes, self.classes, self.preprocessing, self.temperature)

    def first(self, batch: CellBatch) -> tuple[Tensor, Tensor]:
        """Return ``W`` and ``b`` with standardisation, BatchNorm and covariates folded in."""
        return self.network.folded(self._covariates(batch))

    def rest(self, hidden_ch: Tensor, batch: CellBatch, target: Target) -> Tensor:
        """Finish the score of each row from the first layer's output."""
        require_target(target, self._known_targets, self.info.title)
        latent_cz: Tensor = self.network.latent(hidden_ch)
        if target.kind == "latent":
            return latent_cz[:, int(target.name)]
        logits_ck: Tensor = self.network.head(latent_cz)
        return self.logit_of(logits_ck, target)

    def score(self, batch: CellBatch, target: Target) -> Tensor:
        """Score each row as the network computes it, layer by layer."""
        hidden_ch = self.network.first_output(self.inputs(batch), self._covariates(batch))
        return self.rest(hidden_ch, batch, target)

    def encode(self, batch: CellBatch) -> Tensor:
        """Return the last hidden layer, ``(n, n_latent)``."""
        return self.network.latent(self.network.first_output(self.inputs(batch), self._covariates(batch)))

    def logits(self, batch: CellBatch) -> Tensor:
        """Return raw logits, ``(n, n_classes)``."""
        logits_ck: Tensor = self.network(self.inputs(batch), self._covariates(batch))
        return logits_ck

    @cached_property
    def _known_targets(self) -> tuple[Target, ...]:
        return self.targets()

    def _covariates(self, batch: CellBatch) -> Tensor | None:
        if self.network.covariates is None:
            return None
        if batch.size is None:
            raise NotCompatible(
                "The model takes each cell's depth as a covariate, and this file has no counts."
            )
        size = batch.size if batch.centre is None else batch.size[batch.centre]
        return depth_covariate(size)


def depth_covariate(size_c: Tensor) -> Tensor:
    """Return log1p of each cell's total counts as a column, ``(n, 1)``."""
    return torch.log1p(size_c)[:, None]
