"""A trained classifier as explanations see it: evaluation mode, no gradients on weights, never changed."""

from __future__ import annotations

import hashlib
import json
from copy import deepcopy
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor

from glasscell.errors import NotCompatible
from glasscell.models.target import Target, require_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glasscell.models.classifier.network import ClassifierNetwork
    from glasscell.models.info import ModelInfo
    from glasscell.models.preprocessing import Preprocessing
    from glasscell.models.protocol import CellBatch


class ClassifierModel:
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

    def __init__(
        self,
        network: ClassifierNetwork,
        info: ModelInfo,
        genes: tuple[str, ...],
        classes: tuple[str, ...],
        preprocessing: Preprocessing,
        temperature: float = 1.0,
    ) -> None:
        self.network = deepcopy(network).eval().requires_grad_(False)
        self._info = info
        self._genes, self._classes = genes, classes
        self._preprocessing = preprocessing
        self.temperature = temperature

    @property
    def info(self) -> ModelInfo:
        """Words about the family."""
        return self._info

    @property
    def genes(self) -> tuple[str, ...]:
        """Input genes, in order."""
        return self._genes

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of the logits."""
        return self._classes

    @property
    def preprocessing(self) -> Preprocessing:
        """How counts become this model's input."""
        return self._preprocessing

    @property
    def n_latent(self) -> int:
        """Width of the last hidden layer."""
        return self.network.first.out_features

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.network.first.weight.device

    @property
    def dtype(self) -> torch.dtype:
        """Number type of weights and input."""
        return self.network.first.weight.dtype

    @cached_property
    def fingerprint(self) -> str:
        """Digest of everything a score depends on; the same on every device."""
        words = {**self.description(), "genes": self.genes, "classes": self.classes}
        digest = hashlib.sha256(json.dumps(words, sort_keys=True).encode())
        for name, tensor in sorted(self.network.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def description(self) -> Mapping[str, Any]:
        """Return what rebuilds the model beside weights, genes, classes and settings."""
        return {"temperature": self.temperature, "preprocessing": self.preprocessing.to_json()}

    def targets(self) -> tuple[Target, ...]:
        """Classes, contrasts of each class with the mean of the others, and the last hidden layer's units."""
        classes = tuple(Target("class", name) for name in self.classes)
        contrasts = tuple(Target("contrast", name) for name in self.classes)
        return classes + contrasts + tuple(Target("latent", str(unit)) for unit in range(self.n_latent))

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Return a copy elsewhere or in another precision."""
        network = deepcopy(self.network).to(device=device, dtype=dtype)
        return type(self)(network, self.info, self.genes, self.classes, self.preprocessing, self.temperature)

    def inputs(self, batch: CellBatch) -> Tensor:
        """Return log-normalised (or stored) expression, ``(n, n_genes)``; ``first`` standardises."""
        return batch.expression if batch.centre is None else batch.expression[batch.centre]

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
        logit_c = logits_ck[:, self.classes.index(target.name)]
        if target.kind == "class":
            return logit_c
        if target.against is not None:
            return logit_c - logits_ck[:, self.classes.index(target.against)]
        others = len(self.classes) - 1
        return logit_c - (logits_ck.sum(dim=1) - logit_c) / others

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

    def probabilities(self, batch: CellBatch) -> Tensor:
        """Return probabilities after temperature scaling, ``(n, n_classes)``."""
        return torch.softmax(self.logits(batch) / self.temperature, dim=1)

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
