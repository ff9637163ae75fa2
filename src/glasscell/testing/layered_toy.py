"""Small models with known mathematics: linear, one hidden ReLU, deep with BatchNorm, non-factoring.

They have the same protocols as trained models, need no training and no dataset, and serve as oracles for
explanations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from glasscell.models.cell_batch import CellBatch
from glasscell.models.layer import fold_batch_norm, seed_weights
from glasscell.models.preprocessing import Preprocessing
from glasscell.testing.toy_net import ToyModel

if TYPE_CHECKING:
    from glasscell.models.target import Target

NetworkKind = Literal["linear", "relu", "deep", "tanh_input"]
KINDS: tuple[NetworkKind, ...] = ("linear", "relu", "deep", "tanh_input")


class LayeredToy(ToyModel):
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
        network = nn.ModuleDict({"first": first, "body": body})
        if norm is not None:
            network["norm"] = norm
        network.register_buffer("shift", batch_shift_bh)
        n_classes = next(m.out_features for m in reversed(list(body.modules())) if isinstance(m, nn.Linear))
        genes = [f"G{number}" for number in range(first.in_features)]
        classes = [f"C{number}" for number in range(n_classes)]
        super().__init__(network, genes, classes, Preprocessing("stored", None, "a.u."))

    @property
    def parts(self) -> nn.ModuleDict:
        """The layers by name."""
        assert isinstance(self.network, nn.ModuleDict)
        return self.network

    @property
    def first_layer(self) -> nn.Linear:
        """The linear layer on the genes."""
        first = self.parts["first"]
        assert isinstance(first, nn.Linear)
        return first

    def shift(self, batch: CellBatch) -> Tensor | None:
        """Return what the batch covariate adds to the first layer's output, ``(n, hidden)``."""
        shift_bh: Tensor | None = self.parts._buffers["shift"]
        return None if shift_bh is None or batch.batch is None else shift_bh[batch.batch]

    def logits(self, batch: CellBatch) -> Tensor:
        """Return logits, ``(n, n_classes)``, layer by layer without folding anything."""
        hidden_ch = self.first_layer(self.before(batch.expression))
        shift_ch = self.shift(batch)
        if shift_ch is not None:
            hidden_ch = hidden_ch + shift_ch
        if "norm" in self.parts:
            hidden_ch = self.parts["norm"](hidden_ch)
        logits_ck: Tensor = self.parts["body"](hidden_ch)
        return logits_ck

    def before(self, expression: Tensor) -> Tensor:
        """Do nothing to the genes; the network that does not factor overrides this."""
        return expression


class FactoringToy(LayeredToy):
    """A toy whose score is ``rest(W x + b)``."""

    def inputs(self, batch: CellBatch) -> Tensor:
        """Return the genes as they are."""
        return batch.expression

    def first(self, batch: CellBatch) -> tuple[Tensor, Tensor]:
        """Return weight and bias with BatchNorm and the batch covariate folded in."""
        weight_hg: Tensor = self.first_layer.weight
        bias: Tensor = self.first_layer.bias
        shift_ch = self.shift(batch)
        bias = bias if shift_ch is None else bias + shift_ch
        if "norm" not in self.parts:
            return weight_hg, bias
        norm = self.parts["norm"]
        assert isinstance(norm, nn.BatchNorm1d)
        return fold_batch_norm(weight_hg, bias, norm)

    def rest(self, hidden_ch: Tensor, batch: CellBatch, target: Target) -> Tensor:
        """Finish the score from the first layer's output."""
        return self.choose(self.parts["body"](hidden_ch), target)


class TanhInputToy(LayeredToy):
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
) -> LayeredToy:
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


def toy_batch(model: LayeredToy, n_cells: int = 7, *, n_batches: int = 0, seed: int = 0) -> CellBatch:
    """Make cells for a toy model: sparse non-negative expression as of log-normalised counts."""
    generator = torch.Generator().manual_seed(seed)
    size = (n_cells, len(model.genes))
    expression = torch.randn(size, generator=generator).abs() * (torch.rand(size, generator=generator) < 0.6)
    batch = torch.randint(0, n_batches, (n_cells,), generator=generator) if n_batches else None
    return CellBatch(
        expression=expression.to(model.device, model.dtype), indices=torch.arange(n_cells), batch=batch
    )
