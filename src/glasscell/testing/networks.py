"""Small models with known mathematics: linear, one hidden ReLU, deep with BatchNorm, non-factoring.

They have the same protocols as trained models, need no training and no dataset, and serve as oracles for
explanations.
"""

from __future__ import annotations

import hashlib
from copy import deepcopy
from typing import Literal, Self

import torch
from torch import Tensor, nn

from glasscell.models.info import ModelInfo
from glasscell.models.layer import fold_batch_norm, seed_weights
from glasscell.models.preprocessing import Preprocessing
from glasscell.models.protocol import CellBatch
from glasscell.models.target import Target, require_target

NetworkKind = Literal["linear", "relu", "deep", "tanh_input"]
KINDS: tuple[NetworkKind, ...] = ("linear", "relu", "deep", "tanh_input")


class ToyModel:
    """A network ``first``, ``norm`` (or None), ``body`` from genes to logits, with batch covariates.

    Parameters
    ----------
    first
        Linear layer on the genes.
    norm
        BatchNorm after it, or None.
    body
        From its output to logits, ``(n, hidden) -> (n, n_classes)``.
    batch_shift_bh
        Added to the first layer's output by ``CellBatch.batch``, ``(n_batches, hidden)``; None for no
        covariate.
    """

    def __init__(
        self,
        first: nn.Linear,
        norm: nn.BatchNorm1d | None,
        body: nn.Module,
        batch_shift_bh: Tensor | None = None,
    ) -> None:
        self.network = nn.ModuleDict({"first": first, "body": body})
        if norm is not None:
            self.network["norm"] = norm
        self.network.eval().requires_grad_(False)
        self.batch_shift_bh: Tensor | None = batch_shift_bh
        n_classes = next(
            m.out_features for m in reversed(list(self.network["body"].modules())) if isinstance(m, nn.Linear)
        )
        self.genes = tuple(f"G{number}" for number in range(first.in_features))
        self.classes = tuple(f"C{number}" for number in range(n_classes))
        self.info = ModelInfo("toy", "Toy network", "", "Tests.", "Anything else.", 1, ("class", "contrast"))
        self.preprocessing = Preprocessing("stored", None, "a.u.")

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self._first.weight.device

    @property
    def dtype(self) -> torch.dtype:
        """Number type of the weights."""
        return self._first.weight.dtype

    @property
    def fingerprint(self) -> str:
        """Digest of the weights."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.network.state_dict().items()):
            digest.update(name.encode() + tensor.cpu().numpy().tobytes())
        return digest.hexdigest()[:16]

    @property
    def _first(self) -> nn.Linear:
        first = self.network["first"]
        assert isinstance(first, nn.Linear)
        return first

    def targets(self) -> tuple[Target, ...]:
        """Classes, and contrasts of each with the mean of the others."""
        return tuple(Target(kind, name) for kind in ("class", "contrast") for name in self.classes)

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Return a copy elsewhere or in another precision."""
        copy = deepcopy(self)
        copy.network.to(device=device, dtype=dtype)
        if copy.batch_shift_bh is not None:
            copy.batch_shift_bh = copy.batch_shift_bh.to(device=device, dtype=dtype)
        return copy

    def logits(self, batch: CellBatch) -> Tensor:
        """Return logits, ``(n, n_classes)``, layer by layer without folding anything."""
        hidden_ch = self._first(self.before(batch.expression))
        if self.batch_shift_bh is not None and batch.batch is not None:
            hidden_ch = hidden_ch + self.batch_shift_bh[batch.batch]
        if "norm" in self.network:
            hidden_ch = self.network["norm"](hidden_ch)
        logits_ck: Tensor = self.network["body"](hidden_ch)
        return logits_ck

    def probabilities(self, batch: CellBatch) -> Tensor:
        """Return softmax of the logits."""
        return torch.softmax(self.logits(batch), dim=1)

    def score(self, batch: CellBatch, target: Target) -> Tensor:
        """Return the target's logit or contrast per row."""
        return self.pick(self.logits(batch), target)

    def before(self, expression: Tensor) -> Tensor:
        """Do nothing to the genes; the network that does not factor overrides this."""
        return expression

    def pick(self, logits_ck: Tensor, target: Target) -> Tensor:
        """Take one target from all logits."""
        require_target(target, self.targets(), "Toy network")
        logit_c = logits_ck[:, self.classes.index(target.name)]
        if target.kind == "class":
            return logit_c
        if target.against is not None:
            return logit_c - logits_ck[:, self.classes.index(target.against)]
        return logit_c - (logits_ck.sum(dim=1) - logit_c) / (len(self.classes) - 1)


class FactoringToy(ToyModel):
    """A toy whose score is ``rest(W x + b)``."""

    def inputs(self, batch: CellBatch) -> Tensor:
        """Return the genes as they are."""
        return batch.expression

    def first(self, batch: CellBatch) -> tuple[Tensor, Tensor]:
        """Return weight and bias with BatchNorm and the batch covariate folded in."""
        weight_hg: Tensor = self._first.weight
        bias: Tensor = self._first.bias
        if self.batch_shift_bh is not None and batch.batch is not None:
            bias = bias + self.batch_shift_bh[batch.batch]
        if "norm" not in self.network:
            return weight_hg, bias
        norm = self.network["norm"]
        assert isinstance(norm, nn.BatchNorm1d)
        return fold_batch_norm(weight_hg, bias, norm)

    def rest(self, hidden_ch: Tensor, batch: CellBatch, target: Target) -> Tensor:
        """Finish the score from the first layer's output."""
        return self.pick(self.network["body"](hidden_ch), target)


class TanhInputToy(ToyModel):
    """A toy that squashes every gene before its first layer, so that nothing factors."""

    def before(self, expression: Tensor) -> Tensor:
        """Squash each gene."""
        return torch.tanh(expression)


def toy_model(
    kind: NetworkKind,
    n_genes: int = 12,
    n_classes: int = 3,
    *,
    hidden: int = 8,
    n_batches: int = 0,
    seed: int = 0,
) -> ToyModel:
    """Make a toy model with random, reproducible weights.

    Parameters
    ----------
    kind
        ``linear``: logits are linear in the genes; ``relu``: one hidden ReLU layer, where integrated
        gradients have a closed form; ``deep``: BatchNorm with running figures far from the identity, three
        hidden layers, smooth activations; ``tanh_input``: a per-gene non-linearity in front, so that nothing
        factors.
    n_batches
        Size of a batch covariate added to the first layer's output; 0 for none.
    """
    generator = torch.Generator().manual_seed(seed)
    norm: nn.BatchNorm1d | None = None
    body: nn.Module
    if kind == "linear":
        body = nn.Sequential(nn.Linear(hidden, n_classes))
    elif kind == "deep":
        norm = nn.BatchNorm1d(hidden)
        layers = [nn.Softplus(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.GELU()]
        body = nn.Sequential(*layers, nn.Linear(hidden, n_classes))
    else:
        body = nn.Sequential(nn.ReLU(), nn.Linear(hidden, n_classes))
    first = nn.Linear(n_genes, hidden)
    parts = nn.ModuleList([first, body] if norm is None else [first, body, norm])
    seed_weights(parts, seed)
    with torch.no_grad():
        first.bias.normal_(generator=generator)
        if norm is not None and norm.running_mean is not None and norm.running_var is not None:
            norm.running_mean.normal_(generator=generator)
            norm.running_var.uniform_(0.5, 2.0, generator=generator)
            norm.weight.normal_(1.0, 0.3, generator=generator)
            norm.bias.normal_(generator=generator)
    shift = torch.randn(n_batches, hidden, generator=generator) if n_batches else None
    made = TanhInputToy if kind == "tanh_input" else FactoringToy
    return made(first, norm, body, shift)


def toy_batch(model: ToyModel, n_cells: int = 7, *, n_batches: int = 0, seed: int = 0) -> CellBatch:
    """Make cells for a toy model: sparse non-negative expression as of log-normalised counts."""
    generator = torch.Generator().manual_seed(seed)
    size = (n_cells, len(model.genes))
    expression = torch.randn(size, generator=generator).abs() * (torch.rand(size, generator=generator) < 0.6)
    batch = torch.randint(0, n_batches, (n_cells,), generator=generator) if n_batches else None
    return CellBatch(
        expression=expression.to(model.device, model.dtype), indices=torch.arange(n_cells), batch=batch
    )
