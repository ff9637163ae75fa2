"""`check_model` passes sound models and names what is wrong with others."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from glasscell.errors import ModelError
from glasscell.models.capability.first_linear import FirstLinear
from glasscell.models.cell_batch import CellBatch
from glasscell.models.target import Target
from glasscell.testing.check import check_model
from glasscell.testing.layered_toy import KINDS, FactoringToy, LayeredToy, NetworkKind, toy_batch, toy_model


@pytest.mark.parametrize("n_batches", [0, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_toy_models_keep_their_promises(kind: NetworkKind, n_batches: int) -> None:
    model = toy_model(kind, n_batches=n_batches, seed=2)
    check_model(model, toy_batch(model, n_batches=n_batches))
    assert isinstance(model, FirstLinear) == (kind != "tanh_input")


def test_a_wrong_fold_is_found() -> None:
    class Wrong(FactoringToy):
        def first(self, batch: CellBatch) -> tuple[Tensor, Tensor]:
            weight, bias = super().first(batch)
            return weight, bias + 1e-4

    _expect(Wrong, "rest\\(W x \\+ b\\) differs")


def test_a_model_that_mixes_rows_is_found() -> None:
    class Mixing(LayeredToy):
        def before(self, expression: Tensor) -> Tensor:
            return expression - expression.mean(0)

    _expect(Mixing, "depends on the other cells")


def test_a_trace_is_found() -> None:
    class Leaving(LayeredToy):
        def score(self, batch: CellBatch, target: Target) -> Tensor:
            result = super().score(batch, target)
            self.network.train()
            return result

    _expect(Leaving, "leaves a trace")


def test_a_drawn_random_number_is_found() -> None:
    class Drawing(LayeredToy):
        def score(self, batch: CellBatch, target: Target) -> Tensor:
            torch.rand(1)
            return super().score(batch, target)

    _expect(Drawing, "leaves a trace")


def test_something_else_is_no_model() -> None:
    with pytest.raises(ModelError, match="not a Model"):
        check_model(object(), toy_batch(toy_model("linear")))  # type: ignore[arg-type]


def _expect(made: type[LayeredToy], words: str) -> None:
    plain = toy_model("deep")
    body, norm = plain.parts["body"], plain.parts["norm"]
    model = made(plain.first_layer, norm, body)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match=words):
        check_model(model, toy_batch(model))
