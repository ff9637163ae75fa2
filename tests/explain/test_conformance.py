"""One table: every method, on every toy net, keeps the same promises."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from glasscell.errors import JobCancelled
from glasscell.explain import method as methods
from glasscell.explain import plan as planning
from glasscell.explain import route
from glasscell.explain.explain import explain
from glasscell.explain.request import ExplainRequest

TABLE = [
    pytest.param(
        method, hidden, activation, factored, id=f"{method}-{hidden}-{activation.__name__}-{factored}"
    )
    for method in ("saliency", "input_x_gradient", "integrated_gradients")
    for hidden in ((8,), (8, 6), (40,))
    for activation in (nn.ReLU, nn.Softplus)
    for factored in (True, False)
]


def all_values(result):
    return result.block(np.arange(len(result.cells)))


def trace(model):
    network = model.network
    return (
        [parameter.requires_grad for parameter in network.parameters()],
        [parameter.grad for parameter in network.parameters()],
        [module.training for module in network.modules()],
        [len(module._forward_hooks) + len(module._backward_hooks) for module in network.modules()],
        {name: tensor.clone() for name, tensor in network.state_dict().items()},
    )


def legacy_state():
    return np.random.get_state()[1].copy()  # noqa: NPY002 - old code may still draw from it


def same_trace(before, after):
    weights_same = all(torch.equal(before[4][name], after[4][name]) for name in before[4])
    return before[:4] == after[:4] and weights_same


@pytest.mark.parametrize(("method", "hidden", "activation", "factored"), TABLE)
def test_names_seed_batch_size_and_traces(
    dataset, make_bundle, monkeypatch, method, hidden, activation, factored
):
    bundle = make_bundle(hidden, activation, factored=factored)
    params = {"steps": 16} if method == "integrated_gradients" else {}
    cells = np.arange(0, dataset.n_cells, 2)
    request = ExplainRequest(method=method, target="class:K3", cells=cells, params=params)
    before = [trace(net) for net in (*bundle.folds, bundle.twin)]
    torch_state, numpy_state = torch.random.get_rng_state(), legacy_state()
    first = explain(dataset, bundle, request)
    assert all(
        same_trace(old, trace(net)) for old, net in zip(before, (*bundle.folds, bundle.twin), strict=True)
    )
    assert torch.equal(torch_state, torch.random.get_rng_state())
    assert np.array_equal(numpy_state, legacy_state())
    assert torch.is_grad_enabled()
    assert first.genes == tuple(str(name) for name in dataset.genes.names)
    assert np.array_equal(first.cells, cells)
    assert first.id == explain(dataset, bundle, request).id
    assert np.array_equal(all_values(first), all_values(explain(dataset, bundle, request)))
    monkeypatch.setattr(planning, "BLOCK_NUMBERS", 7 * dataset.n_genes)
    monkeypatch.setattr(route, "CACHE_ROWS", 3)
    small = all_values(explain(dataset, bundle, request))
    assert np.abs(small - all_values(first)).max() <= 1e-6 * np.abs(small).max()


@pytest.mark.parametrize("factored", [True, False])
@pytest.mark.parametrize("method", ["saliency", "input_x_gradient", "integrated_gradients"])
def test_float32_and_float64_agree(dataset, make_bundle, method, factored):
    request = ExplainRequest(method=method, target="contrast:K1/K2", evidence=False)
    double = explain(dataset, make_bundle(activation=nn.Softplus, factored=factored), request)
    single = explain(
        dataset, make_bundle(activation=nn.Softplus, dtype=torch.float32, factored=factored), request
    )
    assert all_values(double).dtype == np.float64
    assert all_values(single).dtype == np.float32
    assert np.abs(all_values(double) - all_values(single)).max() <= 1e-5 * np.abs(all_values(double)).max()


class StopAt:
    """A job that is cancelled at its n-th report."""

    def __init__(self, n):
        self.left = n

    def report(self, fraction, text="", **metrics):
        self.left -= 1
        if self.left < 0:
            raise JobCancelled("stopped")


@pytest.mark.parametrize("factored", [True, False])
@pytest.mark.parametrize("reports", [0, 1, 3])
def test_cancel_leaves_no_trace(dataset, make_bundle, factored, reports):
    bundle = make_bundle(factored=factored)
    before = [trace(net) for net in bundle.folds]
    with pytest.raises(JobCancelled):
        explain(dataset, bundle, ExplainRequest(target="class:K1"), StopAt(reports))
    assert all(same_trace(old, trace(net)) for old, net in zip(before, bundle.folds, strict=True))
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("factored", [True, False])
def test_an_error_in_the_engine_leaves_no_trace(dataset, make_bundle, monkeypatch, factored):
    bundle = make_bundle(factored=factored)
    before = [trace(net) for net in bundle.folds]
    engine = methods.METHODS["integrated_gradients"].engine

    def fail(*args):
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(type(engine), "hidden_gradient", fail)
    monkeypatch.setattr(type(engine), "dense", fail)
    with pytest.raises(RuntimeError, match="broken on purpose"):
        explain(dataset, bundle, ExplainRequest(target="class:K1"))
    assert all(same_trace(old, trace(net)) for old, net in zip(before, bundle.folds, strict=True))
    assert torch.is_grad_enabled()


def test_each_cell_is_explained_by_the_net_that_held_it_out(dataset, make_bundle):
    bundle = make_bundle()
    held = explain(dataset, bundle, ExplainRequest(target="class:K1", baseline="zero", evidence=False))
    assert np.array_equal(held.fold_of_cell, np.arange(dataset.n_cells) % 3)
    assert not held.in_training.any()
    one = explain(
        dataset, bundle, ExplainRequest(target="class:K1", baseline="zero", nets="fold:1", evidence=False)
    )
    assert np.array_equal(one.in_training, np.arange(dataset.n_cells) % 3 != 1)
    for cell in (1, 4):
        np.testing.assert_allclose(held.cell(cell), one.cell(cell), rtol=1e-12)
    assert not np.allclose(held.cell(0), one.cell(0))


def test_a_score_that_ignores_its_input_gets_zero(dataset, truth, make_bundle):
    bundle = make_bundle(n_nets=1)
    net = bundle.folds[0]
    net.network[2].weight.data.zero_()
    found = explain(dataset, bundle, ExplainRequest(target="class:K1", evidence=False))
    assert not all_values(found).any()
    assert found.completeness_gap == 0
