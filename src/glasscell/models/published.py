"""What every published model has: a network that is never changed again, its names, its digest."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from contextlib import contextmanager
from copy import deepcopy
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch

from glasscell.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor, nn

    from glasscell.models.cell_batch import CellBatch
    from glasscell.models.info import ModelInfo
    from glasscell.models.preprocessing import Preprocessing
    from glasscell.models.target import Target

DAMAGED = "The weights do not fit the description of the network: the bundle is damaged."


class PublishedNet:
    """A trained network as explanations see it: evaluation mode, no gradients on weights, never changed.

    Parameters
    ----------
    network
        Trained; a copy is kept.
    info
        Words about the family.
    genes
        Names of the inputs, in order.
    preprocessing
        How counts become its input.
    """

    network: nn.Module

    def __init__(
        self, network: nn.Module, info: ModelInfo, genes: tuple[str, ...], preprocessing: Preprocessing
    ) -> None:
        self.network = deepcopy(network).eval().requires_grad_(False)
        self._info, self._genes, self._preprocessing = info, genes, preprocessing

    @property
    def info(self) -> ModelInfo:
        """Words about the family."""
        return self._info

    @property
    def genes(self) -> tuple[str, ...]:
        """Input genes, in order."""
        return self._genes

    @property
    def preprocessing(self) -> Preprocessing:
        """How counts become this model's input."""
        return self._preprocessing

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.network.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """Number type of weights and input."""
        return next(self.network.parameters()).dtype

    @cached_property
    def fingerprint(self) -> str:
        """Digest of everything a score depends on; the same on every device."""
        words = {**self.description(), **self.names()}
        digest = hashlib.sha256(json.dumps(words, sort_keys=True).encode())
        for name, tensor in sorted(self.network.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def names(self) -> Mapping[str, Any]:
        """Return names and settings that the digest covers beside the description."""
        return {"genes": self.genes}

    def description(self) -> Mapping[str, Any]:
        """Return what rebuilds the model beside weights, genes, classes and settings, as JSON values."""
        return {"preprocessing": self.preprocessing.to_json()}

    def inputs(self, batch: CellBatch) -> Tensor:
        """Return expression of the cells themselves in the model's input, ``(n, n_genes)``."""
        return batch.expression if batch.centre is None else batch.expression[batch.centre]


class BatchNet(PublishedNet):
    """A published network that knows technical batches.

    Parameters
    ----------
    batch_column, batches
        Obs column of the batch and its values, in the order of the codes; empty for none.
    """

    def __init__(
        self,
        network: nn.Module,
        info: ModelInfo,
        genes: tuple[str, ...],
        preprocessing: Preprocessing,
        batch_column: str = "",
        batches: tuple[str, ...] = (),
    ) -> None:
        super().__init__(network, info, genes, preprocessing)
        self._batch_column, self._batches = batch_column, batches

    @property
    def batch_column(self) -> str:
        """Obs column of the technical batch; empty for none."""
        return self._batch_column

    @property
    def batches(self) -> tuple[str, ...]:
        """Names of the batches, in the order of the codes."""
        return self._batches

    def description(self) -> Mapping[str, Any]:
        """Return what rebuilds the model beside weights, genes and settings, as plain JSON values."""
        return {
            **super().description(),
            "batch_column": self.batch_column,
            "batches": list(self.batches),
        }


class ClassNet(PublishedNet, ABC):
    """A published network that sorts cells into classes by logits.

    Parameters
    ----------
    classes
        Names of the classes, in the order of the logits.
    temperature
        Logits are divided by it before they become probabilities; scores are raw logits.
    """

    def __init__(
        self,
        network: nn.Module,
        info: ModelInfo,
        genes: tuple[str, ...],
        classes: tuple[str, ...],
        preprocessing: Preprocessing,
        temperature: float = 1.0,
    ) -> None:
        super().__init__(network, info, genes, preprocessing)
        self._classes, self.temperature = classes, temperature

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of the logits."""
        return self._classes

    def names(self) -> Mapping[str, Any]:
        """Return names that the digest covers beside the description."""
        return {**super().names(), "classes": self.classes}

    def description(self) -> Mapping[str, Any]:
        """Return what rebuilds the model beside weights, genes, classes and settings, as JSON values."""
        return {**super().description(), "temperature": self.temperature}

    @abstractmethod
    def logits(self, batch: CellBatch) -> Tensor:
        """Return raw logits, ``(n, n_classes)``."""

    def probabilities(self, batch: CellBatch) -> Tensor:
        """Return probabilities after temperature scaling, ``(n, n_classes)``."""
        return torch.softmax(self.logits(batch) / self.temperature, dim=1)

    def logit_of(self, logits_ck: Tensor, target: Target) -> Tensor:
        """Return a class's logit, or less another's, or less the mean of all others', ``(n,)``."""
        logit_c = logits_ck[:, self.classes.index(target.name)]
        if target.kind == "class":
            return logit_c
        if target.against is not None:
            return logit_c - logits_ck[:, self.classes.index(target.against)]
        return logit_c - (logits_ck.sum(dim=1) - logit_c) / (len(self.classes) - 1)

    def class_targets(self) -> tuple[Target, ...]:
        """Return the classes, and contrasts of each with the mean of the others."""
        from glasscell.models.target import Target

        classes = tuple(Target("class", name) for name in self.classes)
        return classes + tuple(Target("contrast", name) for name in self.classes)


class NetFamily:
    """What every family of networks tells a bundle of a model."""

    def tensors(self, model: Any) -> Mapping[str, Tensor]:
        """Return all that the network holds, by name."""
        return dict(model.network.state_dict())

    def describe(self, model: Any) -> Mapping[str, Any]:
        """Return everything else ``restore`` needs, as plain JSON values."""
        return dict(model.description())


@contextmanager
def whole_bundle() -> Iterator[None]:
    """Say that a bundle is damaged where its parts don't fit each other inside the block.

    Raises
    ------
    ModelError
        A name is missing, or a shape is another.
    """
    try:
        yield
    except (RuntimeError, LookupError, ValueError, AssertionError) as error:
        raise ModelError(DAMAGED) from error


def filled(
    network: nn.Module, tensors: Mapping[str, Tensor], description: Mapping[str, Any]
) -> Preprocessing:
    """Give a network the weights of a bundle and return how counts become its input.

    Raises
    ------
    ModelError
        A name is missing, or a shape is another.
    """
    from glasscell.models.preprocessing import Preprocessing

    with whole_bundle():
        network.load_state_dict(dict(tensors))
    return Preprocessing.from_json(description["preprocessing"])
