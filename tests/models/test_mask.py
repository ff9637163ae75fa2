"""Masked layers and pruning steps against numbers worked out one by one."""

from __future__ import annotations

import numpy as np
import torch

from glasscell.models.mask import GroupLassoProx, MaskedLinear, SoftMaskProx

OPEN = torch.tensor([[1, 0, 1], [0, 1, 1], [1, 0, 0], [0, 0, 1]], dtype=torch.bool)


def drawn(shape: tuple[int, int]) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def test_an_output_moves_with_its_own_inputs_only() -> None:
    layer = MaskedLinear(OPEN)
    layer.weight.data.copy_(drawn((4, 3)))
    x = drawn((5, 3)).requires_grad_()
    for output in range(4):
        (slope,) = torch.autograd.grad(layer(x)[:, output].sum(), x)
        for given in range(3):
            assert bool((slope[:, given] != 0).all()) == bool(OPEN[output, given])
            if OPEN[output, given]:
                assert torch.equal(slope[:, given], layer.weight[output, given].detach().expand(5))


def test_closed_connections_get_no_gradient() -> None:
    layer = MaskedLinear(OPEN)
    layer.weight.data.copy_(drawn((4, 3)))
    layer(drawn((5, 3))).sum().backward()
    assert layer.weight.grad is not None
    assert torch.equal(layer.weight.grad != 0, OPEN)


def test_group_lasso_is_the_minimiser_of_its_penalty() -> None:
    """Beside ``|w - v|^2 / 2 + reach * |w|`` searched over a grid of lengths along ``v``."""
    given = drawn((6, 3)) * torch.tensor([1.0, 0.02, 1.0])
    size, strength, rate = torch.tensor([6, 6, 0]), 0.5, 0.1
    weight = given.clone()
    GroupLassoProx(size, strength)(weight, rate)
    for column in range(3):
        v = given[:, column].double().numpy()
        reach = strength * rate * np.sqrt(float(size[column]))
        lengths = np.linspace(0, 1, 100001)
        costs = (1 - lengths) ** 2 * (v @ v) / 2 + reach * lengths * np.linalg.norm(v)
        np.testing.assert_allclose(weight[:, column].numpy(), v * lengths[costs.argmin()], atol=2e-5)
    assert (weight[:, 1] == 0).all(), "exactly zero"
    assert torch.equal(weight[:, 2], given[:, 2]), "size 0 is left alone"


def test_a_soft_mask_pulls_outsiders_only() -> None:
    given, outside = drawn((4, 3)), ~OPEN
    weight = given.clone()
    SoftMaskProx(outside, 2.0)(weight, 0.1)
    for row in range(4):
        for column in range(3):
            value = float(given[row, column])
            pulled = np.sign(value) * max(0.0, abs(value) - 0.2)
            expected = pulled if outside[row, column] else value
            np.testing.assert_allclose(float(weight[row, column]), expected, atol=1e-6)
