"""Layers: dropout meets its rate without touching the global random state; folding is exact."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from glasscell.models.classifier.network import ClassifierNetwork, class_weights
from glasscell.models.layer import Dropout, fold_batch_norm, seed_noise, seed_weights


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_dropout_meets_its_rate_and_keeps_the_mean(rate: float) -> None:
    layer = nn.Sequential(Dropout(rate))
    seed_noise(layer, 0, torch.device("cpu"))
    state = torch.random.get_rng_state()
    out = layer(torch.ones(400, 501))
    assert float((out == 0).float().mean()) == pytest.approx(rate, abs=0.01)
    assert float(out.mean()) == pytest.approx(1.0, abs=0.01)
    assert torch.equal(state, torch.random.get_rng_state())
    assert torch.equal(layer.eval()(torch.ones(3, 3)), torch.ones(3, 3))


def test_dropout_columns_and_rows_are_independent() -> None:
    layer = Dropout(0.5)
    layer.generator = torch.Generator().manual_seed(1)
    kept = (layer(torch.ones(2000, 24)) > 0).double()
    correlation = torch.corrcoef(kept.T) - torch.eye(24)
    assert float(correlation.abs().max()) < 0.1


def test_the_same_seed_gives_the_same_weights_and_noise() -> None:
    def draw() -> torch.Tensor:
        net = nn.Sequential(nn.Linear(6, 5), Dropout(0.5), nn.Linear(5, 2))
        seed_weights(net, 7)
        seed_noise(net, 7, torch.device("cpu"))
        result: torch.Tensor = net(torch.ones(4, 6))
        return result

    assert torch.equal(draw(), draw())


@pytest.mark.parametrize("affine", [True, False])
def test_batch_norm_folds_exactly(affine: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    linear, norm = nn.Linear(7, 4).double(), nn.BatchNorm1d(4, affine=affine).double()
    assert norm.running_mean is not None
    assert norm.running_var is not None
    with torch.no_grad():
        norm.running_mean.normal_(generator=generator)
        norm.running_var.uniform_(0.1, 3, generator=generator)
        if affine:
            norm.weight.normal_(generator=generator)
            norm.bias.normal_(generator=generator)
    x = torch.randn(9, 7, generator=generator, dtype=torch.float64)
    weight, bias = fold_batch_norm(linear.weight, linear.bias, norm)
    torch.testing.assert_close(x @ weight.T + bias, norm.eval()(linear(x)), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("n_covariates", [0, 2])
@pytest.mark.parametrize("batch_norm", [True, False])
def test_the_folded_first_layer_is_the_layer(batch_norm: bool, n_covariates: int) -> None:
    net = ClassifierNetwork(6, 3, hidden=5, n_layers=2, n_covariates=n_covariates, batch_norm=batch_norm)
    seed_weights(net, 0)
    generator = torch.Generator().manual_seed(1)
    net.standardise.set_moments(torch.rand(6, generator=generator), torch.rand(6, generator=generator) + 0.5)
    x = torch.randn(50, 6, generator=generator)
    covariates = torch.randn(50, n_covariates, generator=generator) if n_covariates else None
    net(x, covariates)
    net.double().eval()
    x, covariates = x.double(), None if covariates is None else covariates.double()
    weight, bias = net.folded(covariates)
    torch.testing.assert_close(x @ weight.T + bias, net.first_output(x, covariates), rtol=1e-10, atol=1e-10)


def test_class_weights() -> None:
    codes = torch.tensor([0, 0, 0, 1])
    assert class_weights(codes, 3, 0.0).tolist() == [1, 1, 0]
    assert class_weights(codes, 3, 1.0).tolist() == pytest.approx([4 / 6, 2, 0])
