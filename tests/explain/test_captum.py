"""Equality with Captum, as the performance page defines it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from captum.attr import InputXGradient, IntegratedGradients, Saliency
from torch import nn

from glasscell.explain.assemble import completeness_gap
from glasscell.explain.explain import explain
from glasscell.explain.request import ExplainRequest
from glasscell.models.batch import preprocessing_for
from glasscell.models.row import input_rows


def inputs(dataset):
    """Return float32 inputs as models see them."""
    return input_rows(dataset, preprocessing_for(dataset)).toarray()


def theirs(dataset, bundle, method, code, start_g, steps, dtype):
    """Return what Captum gives for every cell by its own net, in Captum's own documented calls."""
    x_cg = torch.tensor(inputs(dataset)).to(dtype)
    out_cg = torch.empty_like(x_cg)
    for k, net in enumerate(bundle.folds):
        rows = torch.arange(k, len(x_cg), len(bundle.folds))
        values = x_cg[rows].clone().requires_grad_(True)
        if method == "integrated_gradients":
            start = torch.tensor(start_g).to(dtype)[None]
            part = IntegratedGradients(net.network).attribute(
                values, baselines=start, target=code, n_steps=steps
            )
        elif method == "input_x_gradient":
            part = InputXGradient(net.network).attribute(values, target=code)
        else:
            part = Saliency(net.network).attribute(values, target=code, abs=False)
        out_cg[rows] = part.detach()
    return out_cg.numpy()


@pytest.mark.parametrize("hidden", [(8,), (16, 12), (64, 32, 16)])
@pytest.mark.parametrize("activation", [nn.ReLU, nn.Softplus, nn.Tanh])
@pytest.mark.parametrize("method", ["integrated_gradients", "input_x_gradient", "saliency"])
@pytest.mark.parametrize("factored", [True, False])
def test_float64_equal_to_1e_8(dataset, make_bundle, hidden, activation, method, factored):
    bundle = make_bundle(hidden, activation, factored=factored)
    params = {"steps": 50} if method == "integrated_gradients" else {}
    ours = explain(
        dataset, bundle, ExplainRequest(method=method, target="class:K2", params=params, evidence=False)
    )
    start_g = reference_baseline(dataset, 1)
    expected = theirs(dataset, bundle, method, 1, start_g, 50, torch.float64)
    difference = np.abs(ours.block(np.arange(dataset.n_cells)) - expected).max()
    assert difference <= 1e-8 * np.abs(expected).max()


@pytest.mark.parametrize("hidden", [(16,), (64, 32)])
def test_float32_equal_for_nearly_every_cell(dataset, make_bundle, hidden):
    bundle = make_bundle(hidden, nn.ReLU, torch.float32)
    ours = explain(dataset, bundle, ExplainRequest(target="class:K2", params={"steps": 50}, evidence=False))
    expected = theirs(
        dataset, bundle, "integrated_gradients", 1, reference_baseline(dataset, 1), 50, torch.float32
    )
    difference_c = np.abs(ours.block(np.arange(dataset.n_cells)) - expected).max(axis=1)
    assert np.mean(difference_c <= 1e-5 * np.abs(expected).max()) >= 0.995


def reference_baseline(dataset, code):
    x_cg = inputs(dataset).astype(np.float64)
    truth = np.asarray(dataset.obs["label"].cat.codes)
    return np.mean([x_cg[truth == k].mean(axis=0) for k in range(3) if k != code], axis=0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_trained_classifier_with_folded_layers_is_equal_and_as_complete(trained_planted, dtype):
    dataset, bundle = trained_planted
    net = bundle.folds[0].to(dtype=dtype)
    alone = replace(bundle, folds=(net,) * len(bundle.folds), twin=None)
    ours = explain(dataset, alone, ExplainRequest(target="class:K2", params={"steps": 50}, evidence=False))
    x_cg = torch.tensor(inputs(dataset)).to(dtype).requires_grad_(True)
    start_g = torch.tensor(ours.baselines_bg).to(dtype)
    method = IntegratedGradients(net.network)
    expected, gap_c = method.attribute(
        x_cg, baselines=start_g, target=1, n_steps=50, return_convergence_delta=True
    )
    expected_cg = expected.detach().numpy()
    difference_c = np.abs(ours.block(np.arange(dataset.n_cells)) - expected_cg).max(axis=1)
    limit = (1e-8 if dtype == torch.float64 else 1e-5) * np.abs(expected_cg).max()
    assert np.mean(difference_c <= limit) >= (1.0 if dtype == torch.float64 else 0.995)
    delta_c = expected_cg.sum(1, dtype=np.float64) - gap_c.numpy()
    assert ours.completeness_gap <= 1.01 * completeness_gap(expected_cg.sum(1), delta_c) + 1e-6
