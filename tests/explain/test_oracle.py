"""Each method against its formula, written out slowly in float64."""

from __future__ import annotations

import numpy as np
import pytest

from glasscell.explain.explain import explain
from glasscell.explain.integrated_gradients import path_points
from glasscell.explain.request import ExplainRequest
from glasscell.models.batch import preprocessing_for
from glasscell.models.row import input_rows
from glasscell.testing.planted import linear_truth


def relu_net(model):
    """Return weights of a one-hidden-layer net as numpy: W (h, g), b, V (k, h), c."""
    first, _, last = model.network
    return tuple(t.numpy() for t in (first.weight, first.bias, last.weight, last.bias))


def gradient(model, x_g, code):
    """Return d logit / d x for one cell, by the chain rule spelled out."""
    W, b, V, _ = relu_net(model)
    h = W @ x_g + b
    return sum(V[code, j] * (1.0 if h[j] > 0 else 0.0) * W[j] for j in range(len(h)))


def inputs(dataset):
    return input_rows(dataset, preprocessing_for(dataset)).toarray().astype(np.float64)


def baseline_by_hand(x_cg, truth, code):
    others = [k for k in range(3) if k != code]
    return sum(x_cg[truth == k].mean(axis=0) for k in others) / len(others)


@pytest.mark.parametrize("method", ["integrated_gradients", "input_x_gradient", "saliency"])
def test_matches_the_formula_cell_by_cell(dataset, truth, make_bundle, method):
    bundle = make_bundle()
    steps = 16
    params = {"steps": steps} if method == "integrated_gradients" else {}
    request = ExplainRequest(method=method, target="class:K2", params=params, evidence=False)
    found = explain(dataset, bundle, request)
    x_cg = inputs(dataset)
    start_g = baseline_by_hand(x_cg, truth, 1)
    for cell in range(0, dataset.n_cells, 7):
        net = bundle.folds[cell % 3]
        if method == "saliency":
            expected = gradient(net, x_cg[cell], 1)
        elif method == "input_x_gradient":
            expected = x_cg[cell] * gradient(net, x_cg[cell], 1)
        else:
            total = np.zeros(dataset.n_genes)
            for alpha, weight in zip(*path_points(steps), strict=True):
                total += weight * gradient(net, start_g + alpha * (x_cg[cell] - start_g), 1)
            expected = (x_cg[cell] - start_g) * total
        np.testing.assert_allclose(found.cell(cell), expected, rtol=0, atol=1e-6 * np.abs(expected).max())


def closed_form(model, x_g, start_g, code):
    """Return integrated gradients of a logit behind one ReLU layer without any steps.

    A hidden unit's input moves linearly along the path, so its ReLU is open for one interval of it.
    """
    W, b, V, _ = relu_net(model)
    total = np.zeros_like(x_g)
    for j in range(len(b)):
        low, high = W[j] @ start_g + b[j], W[j] @ x_g + b[j]
        if low > 0 and high > 0:
            share = 1.0
        elif low <= 0 and high <= 0:
            share = 0.0
        else:
            share = max(low, high) / abs(high - low)
        total += V[code, j] * share * W[j]
    return (x_g - start_g) * total


def test_closed_form_of_one_relu_layer(dataset, truth, make_bundle):
    bundle = make_bundle()
    request = ExplainRequest(target="class:K1", params={"steps": 1024}, evidence=False)
    found = explain(dataset, bundle, request)
    x_cg = inputs(dataset)
    start_g = baseline_by_hand(x_cg, truth, 0)
    exact_cg = np.stack(
        [closed_form(bundle.folds[i % 3], x_cg[i], start_g, 0) for i in range(dataset.n_cells)]
    )
    # the oracle itself is complete to rounding, which no number of steps reaches
    W, b, V, _ = relu_net(bundle.folds[0])
    delta = (V @ np.maximum(W @ x_cg[0] + b, 0) - V @ np.maximum(W @ start_g + b, 0))[0]
    assert exact_cg[0].sum() == pytest.approx(delta, rel=1e-12)
    ours_cg = found.block(np.arange(dataset.n_cells))
    assert np.abs(ours_cg - exact_cg).max() < 2e-3 * np.abs(exact_cg).max()
    assert found.completeness_gap < 0.01


def test_more_steps_come_closer_to_the_closed_form(dataset, truth, make_bundle):
    bundle = make_bundle(n_nets=2)
    x_cg = inputs(dataset)
    start_g = baseline_by_hand(x_cg, truth, 0)
    exact_cg = np.stack(
        [closed_form(bundle.folds[i % 2], x_cg[i], start_g, 0) for i in range(dataset.n_cells)]
    )
    errors = []
    for steps in (8, 64, 512):
        found = explain(
            dataset, bundle, ExplainRequest(target="class:K1", params={"steps": steps}, evidence=False)
        )
        errors.append(np.abs(found.block(np.arange(dataset.n_cells)) - exact_cg).mean())
    assert errors[0] > errors[1] > errors[2]


def test_completeness_gap_by_its_definition():
    from glasscell.explain.assemble import completeness_gap

    rng = np.random.default_rng(0)
    delta_c = rng.normal(size=301)
    total_c = delta_c + rng.normal(scale=0.01, size=301)
    median = sorted(abs(d) for d in delta_c)[150]
    gaps = [abs(t - d) / max(abs(d), median) for t, d in zip(total_c, delta_c, strict=True)]
    assert completeness_gap(total_c, delta_c) == pytest.approx(np.percentile(gaps, 99), rel=1e-12)
    assert completeness_gap(np.zeros(4), np.zeros(4)) == 0


def test_linear_score_has_one_complete_answer(dataset, make_bundle):
    import torch
    from torch import nn

    from glasscell.explain.integrated_gradients import INFO
    from glasscell.explain.route import Question, factor_batch
    from glasscell.models.cell_batch import CellBatch
    from glasscell.models.target import Target
    from glasscell.testing.toy_net import ToyFactored

    known = linear_truth()
    first, last = nn.Linear(12, 12, bias=False), nn.Linear(12, 3)
    first.bias = nn.Parameter(torch.zeros(12))
    first.weight.data = torch.eye(12)
    last.weight.data, last.bias.data = torch.tensor(known.weights_gk.T), torch.tensor(known.bias_k)
    model = ToyFactored(nn.Sequential(first, last), [f"g{i}" for i in range(12)], ("a", "b", "c")).to(
        dtype=torch.float64
    )
    x_cg = torch.tensor(known.values_cg, dtype=torch.float64)
    start_g = x_cg.mean(0, keepdim=True)
    batch = CellBatch(x_cg, torch.arange(len(x_cg)))
    question = Question(INFO, INFO.make_params({"steps": 8}), Target("class", "b"))
    block = factor_batch(model, batch, question, start_g, torch.zeros(len(x_cg), dtype=torch.int64))
    expected = known.attribution(1, start_g.numpy())
    np.testing.assert_allclose(block.attributions(x_cg - start_g).numpy(), expected, atol=1e-12)
