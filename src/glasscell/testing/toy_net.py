"""Tiny networks with known properties, as models: some begin with a linear layer, one does not."""

from __future__ import annotations

import hashlib
import itertools
from copy import copy, deepcopy
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from glasscell.models.bundle import Bundle, CellTable
from glasscell.models.info import FamilyParams, ModelInfo
from glasscell.models.metric import Metrics
from glasscell.models.preprocessing import Preprocessing
from glasscell.models.target import Target, require_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.data.dataset import Dataset
    from glasscell.models.capability.model import Model
    from glasscell.models.cell_batch import CellBatch

INFO = ModelInfo("toy", "Toy network", "", "Tests.", "Everything else.", 1, ("class", "contrast"))


class ToyModel:
    """A model around any network whose output holds one logit per class; offers ``score`` only.

    Parameters
    ----------
    network
        ``(n, n_genes) -> (n, n_classes)``, row by row.
    genes, classes
        Names of inputs and outputs.
    preprocessing
        How counts become its input.
    """

    def __init__(
        self,
        network: nn.Module,
        genes: Sequence[str],
        classes: Sequence[str],
        preprocessing: Preprocessing | None = None,
    ) -> None:
        self.network = deepcopy(network).eval().requires_grad_(False)
        self.info = INFO
        self.genes = tuple(genes)
        self.classes = tuple(classes)
        self.preprocessing = preprocessing or Preprocessing("stored")

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.network.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """Number type of the weights."""
        return next(self.network.parameters()).dtype

    @property
    def fingerprint(self) -> str:
        """Digest of the weights."""
        digest = hashlib.sha256("".join((*self.genes, *self.classes)).encode())
        for tensor in self.network.state_dict().values():
            digest.update(tensor.cpu().numpy().tobytes())
        return digest.hexdigest()[:16]

    def targets(self) -> tuple[Target, ...]:
        """One logit per class, and contrasts."""
        return tuple(Target(kind, name) for kind in ("class", "contrast") for name in self.classes)

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Return a copy elsewhere or in another precision."""
        moved = copy(self)
        moved.network = deepcopy(self.network).to(device=device, dtype=dtype)
        return moved

    def logits(self, batch: CellBatch) -> Tensor:
        """Return raw scores, ``(n, n_classes)``."""
        result: Tensor = self.network(batch.expression)
        return result

    def probabilities(self, batch: CellBatch) -> Tensor:
        """Return probabilities, ``(n, n_classes)``."""
        return torch.softmax(self.logits(batch), dim=1)

    def score(self, batch: CellBatch, target: Target) -> Tensor:
        """Score each row."""
        return self.choose(self.logits(batch), target)

    def choose(self, logits_ck: Tensor, target: Target) -> Tensor:
        """Pick a target from the logits."""
        require_target(target, self.targets(), self.info.title)
        logit_c = logits_ck[:, self.classes.index(target.name)]
        if target.kind == "class":
            return logit_c
        if target.against is not None:
            return logit_c - logits_ck[:, self.classes.index(target.against)]
        return logit_c - (logits_ck.sum(dim=1) - logit_c) / (len(self.classes) - 1)


class ToyFactored(ToyModel):
    """A toy whose network is an ``nn.Sequential`` that begins with ``nn.Linear``: offers FirstLinear."""

    def inputs(self, batch: CellBatch) -> Tensor:
        """Return expression as it is."""
        return batch.expression

    def first(self, batch: CellBatch) -> tuple[Tensor, Tensor]:
        """Return the first layer."""
        layer: Any = self.network[0]  # type: ignore[index]
        return layer.weight, layer.bias

    def rest(self, hidden_ch: Tensor, batch: CellBatch, target: Target) -> Tensor:
        """Finish from the first layer's output."""
        return self.choose(self.network[1:](hidden_ch), target)  # type: ignore[index]


def toy_network(sizes: Sequence[int], activation: type[nn.Module] = nn.ReLU, seed: int = 0) -> nn.Sequential:
    """Make linear layers with an activation between; the process's random state is left alone."""
    layers: list[nn.Module] = []
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for n_in, n_out in itertools.pairwise(sizes):
            layers += [nn.Linear(n_in, n_out), activation()]
    return nn.Sequential(*layers[:-1])


class SquaredFirst(nn.Module):
    """A network with a non-linearity per gene in front, so that it does not factor."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, values_cg: Tensor) -> Tensor:
        """Square, then the network."""
        result: Tensor = self.network(values_cg * values_cg.abs())
        return result


def toy_bundle(
    dataset: Dataset,
    nets: Sequence[Model],
    truth: Sequence[int],
    classes: Sequence[str],
    twin: Model | None = None,
) -> Bundle:
    """Put nets into a bundle; cell ``i`` is held out by net ``i % len(nets)``."""
    n = dataset.n_cells
    fold = np.arange(n, dtype=np.int32) % len(nets)
    table = CellTable(
        names=np.asarray(dataset.cell_names),
        fold=fold,
        block=fold.copy(),
        block_names=tuple(str(k) for k in range(len(nets))),
        truth=np.asarray(truth, np.int32),
        probabilities_ck=np.full((n, len(classes)), 1 / max(len(classes), 1), np.float32),
    )
    return Bundle(
        family="toy",
        params=FamilyParams(),
        folds=tuple(nets),
        labels_name="truth",
        classes=tuple(classes),
        split_scheme="random",
        split_text="every cell in turn",
        cells=table,
        metrics=Metrics(accuracy=0.0, macro_f1=0.0, calibration_error=0.0),
        baselines={},
        curves=(),
        provenance={"data_fingerprint": dataset.fingerprint},
        twin=twin,
    )
