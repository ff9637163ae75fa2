"""A network of one's own as explanations see it: evaluation mode, no gradients on weights, never changed."""

from __future__ import annotations

from copy import deepcopy
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor, nn

from glasscell.errors import ModelError
from glasscell.models.published import ClassNet
from glasscell.models.target import Target, require_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glasscell.models.cell_batch import CellBatch
    from glasscell.models.info import ModelInfo
    from glasscell.models.preprocessing import Preprocessing


class TorchModel(ClassNet):
    """Any network from genes to one logit per class; offers Classifies.

    Parameters
    ----------
    network
        ``(n, n_genes) -> (n, n_classes)``, row by row; a copy is kept.
    info
        Words about the family.
    name
        What the network is called in a bundle.
    genes, classes
        Names of inputs and outputs.
    preprocessing
        How counts become its input.
    temperature
        Logits are divided by it before they become probabilities.

    Raises
    ------
    ModelError
        The network does not turn two cells into two rows of finite logits, one per class.
    """

    def __init__(
        self,
        network: nn.Module,
        info: ModelInfo,
        name: str,
        genes: tuple[str, ...],
        classes: tuple[str, ...],
        preprocessing: Preprocessing,
        temperature: float = 1.0,
    ) -> None:
        super().__init__(network, info, genes, classes, preprocessing, temperature)
        self.name = name
        self._try()

    @property
    def is_calibrated(self) -> bool:
        """Whether a temperature was fitted; without one probabilities are the raw softmax."""
        return self.temperature != 1.0

    def description(self) -> Mapping[str, Any]:
        """Return what rebuilds the model beside weights, genes and classes."""
        return {**super().description(), "network": self.name}

    def targets(self) -> tuple[Target, ...]:
        """Classes, and contrasts of each class with the mean of the others."""
        return self._known_targets

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Return a copy elsewhere or in another precision."""
        network = deepcopy(self.network).to(device=device, dtype=dtype)
        return type(self)(
            network, self.info, self.name, self.genes, self.classes, self.preprocessing, self.temperature
        )

    def score(self, batch: CellBatch, target: Target) -> Tensor:
        """Give the logit, or the difference of logits, of each row."""
        return self.choose(self.logits(batch), target)

    def logits(self, batch: CellBatch) -> Tensor:
        """Return raw logits, ``(n, n_classes)``."""
        logits_ck: Tensor = self.network(self.inputs(batch))
        return logits_ck

    def choose(self, logits_ck: Tensor, target: Target) -> Tensor:
        """Pick a target from the logits, ``(n,)``."""
        require_target(target, self._known_targets, self.info.title)
        return self.logit_of(logits_ck, target)

    @cached_property
    def _known_targets(self) -> tuple[Target, ...]:
        kinds = ("class", "contrast") if len(self.classes) > 1 else ("class",)
        return tuple(Target(kind, name) for kind in kinds for name in self.classes)

    @torch.no_grad()
    def _try(self) -> None:
        wanted = (2, len(self.classes))
        if next(self.network.parameters(), None) is None:
            raise ModelError(f"The network {self.name!r} has no weights: there is nothing to explain.")
        try:
            cells = torch.zeros((2, len(self.genes)), device=self.device, dtype=self.dtype)
            with torch.random.fork_rng(devices=[]):
                made = self.network(cells)
        except Exception as error:
            raise ModelError(
                f"The network {self.name!r} fails on two cells of {len(self.genes):,} genes "
                f"({type(error).__name__}: {error}): it must take (n, n_genes)."
            ) from error
        shape = tuple(getattr(made, "shape", ()))
        if shape != wanted:
            raise ModelError(
                f"The network {self.name!r} turns two cells into {shape or type(made).__name__}, not into "
                f"{wanted}: it must return one logit per class."
            )


class TorchLinearModel(TorchModel):
    """One whose network is an ``nn.Sequential`` that begins with ``nn.Linear``: offers FirstLinear."""

    def first(self, batch: CellBatch) -> tuple[Tensor, Tensor]:
        """Return the first layer's weight and bias."""
        layer: Any = self.network[0]  # type: ignore[index]
        if layer.bias is None:
            return layer.weight, torch.zeros_like(layer.weight[:, 0])
        return layer.weight, layer.bias

    def rest(self, hidden_ch: Tensor, batch: CellBatch, target: Target) -> Tensor:
        """Finish the score from the first layer's output."""
        return self.choose(self.network[1:](hidden_ch), target)  # type: ignore[index]


def make_torch_model(
    network: nn.Module,
    info: ModelInfo,
    name: str,
    genes: tuple[str, ...],
    classes: tuple[str, ...],
    preprocessing: Preprocessing,
    temperature: float = 1.0,
) -> TorchModel:
    """Make the model that offers most: FirstLinear where that is exact."""
    linear = isinstance(network, nn.Sequential) and len(network) > 1 and type(network[0]) is nn.Linear
    kind = TorchLinearModel if linear else TorchModel
    return kind(network, info, name, genes, classes, preprocessing, temperature)
