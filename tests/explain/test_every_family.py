"""One table: every way of explaining keeps its promises on a net of every family, or says why it cannot."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from tests.scvi_warnings import SCVI_WARNINGS
from torch import nn

from glasscell.data.dataset import Dataset
from glasscell.data.labels import read_labels
from glasscell.errors import JobCancelled, NotCompatible
from glasscell.explain import plan as planning
from glasscell.explain import randomise, route
from glasscell.explain.attention import edge_net, token_net
from glasscell.explain.attention.asked import why_not_attend
from glasscell.explain.attention.attend import attend
from glasscell.explain.attention.request import AttentionRequest
from glasscell.explain.explain import explain
from glasscell.explain.method import METHODS, why_not
from glasscell.explain.perturbation import perturb as perturbing
from glasscell.explain.perturbation.answer import why_not_perturb
from glasscell.explain.perturbation.perturb import perturb
from glasscell.explain.perturbation.request import PerturbationRequest
from glasscell.explain.request import ExplainRequest
from glasscell.explain.traversal import TraverseRequest, engine, traverse
from glasscell.explain.traversal.request import why_no_traversal
from glasscell.jobs import QUIET, JobHandle, QuietJob
from glasscell.models import network as own_networks
from glasscell.models.bundle import Bundle
from glasscell.models.registry import BUILT_IN, family
from glasscell.testing.toy_family import OWN_NETWORK, toy_own_network

pytestmark = SCVI_WARNINGS
CELLS = np.arange(0, 150, 11, dtype=np.int32)
#: Ways of explaining that are no attribution: each family offers them or says why not.
OTHERS = ("traversal", "attention", "perturbation")
ATTENDING = {"gene_transformer", "pathway_transformer", "spatial_attention"}
UNDECODED = {
    "classifier",
    "gene_transformer",
    "grn",
    "multivi",
    "pathway_net",
    "pathway_transformer",
    "spagcn",
    "torch_module",
    "totalvi",
    "velovi",
}
FITS = {
    **{method: set(BUILT_IN) for method in METHODS},
    "perturbation": set(BUILT_IN) - {"grn"},
    "traversal": set(BUILT_IN) - UNDECODED,
    "attention": ATTENDING,
}
TABLE = [(key, way) for key in BUILT_IN for way in (*METHODS, *OTHERS)]
every_row = pytest.mark.parametrize(("key", "way"), TABLE, ids=lambda part: part)
Train = Callable[[str], Bundle]


@pytest.fixture(scope="module")
def dataset(toy_dataset_once: Dataset) -> Dataset:
    return toy_dataset_once


@pytest.fixture(scope="module")
def train(toy_train: Train) -> Iterator[Train]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_networks, "_REGISTERED", {OWN_NETWORK: toy_own_network})
        patch.setattr(randomise, "RANDOM_NETS", 1)  # of many like it one is enough here
        yield toy_train


def refusal(bundle: Bundle, way: str) -> str:
    """Return why a model cannot be explained that way, as menus say it."""
    if way == "traversal":
        return why_no_traversal(bundle)
    asked = {"attention": why_not_attend, "perturbation": why_not_perturb}
    return (asked[way](bundle.folds[0]) if way in asked else why_not(way, bundle.folds[0])) or ""


@dataclass(frozen=True)
class Ask:
    """One cell of the table, ready to be asked more than once."""

    dataset: Dataset
    bundle: Bundle
    way: str
    evidence: bool = True

    def __call__(self, job: JobHandle = QUIET) -> Any:
        """Explain."""
        bundle, genes = self.bundle, self.bundle.folds[0].genes
        if self.way == "traversal":
            start = np.isin(np.arange(self.dataset.n_cells), CELLS)
            return traverse(self.dataset, bundle, TraverseRequest(start, "some", sample=16, nearest=3), job)
        if self.way == "attention":
            few = {"removal_cells": 4, "edge_cells": 20, "random_nets": 2}
            return attend(
                self.dataset,
                bundle,
                AttentionRequest(read_labels(self.dataset, "label"), CELLS, params=few),
                job,
            )
        if self.way == "perturbation":
            few = {"controls": 2, "control_cells": 20}
            return perturb(self.dataset, bundle, PerturbationRequest(genes[:2], cells=CELLS, params=few), job)
        baseline = "other_classes" if bundle.classes else "mean"
        target = str(bundle.folds[0].targets()[0])
        params = {"steps": 8} if self.way == "integrated_gradients" else {}
        request = ExplainRequest(self.way, target, CELLS, baseline, params, evidence=self.evidence)
        return explain(self.dataset, bundle, request, job)


def arrays(thing: Any) -> dict[str, np.ndarray]:
    """Return every array of a result by name, parts of parts included."""
    found: dict[str, np.ndarray] = {}
    for name, value in vars(thing).items():
        if isinstance(value, np.ndarray):
            found[name] = value
        elif hasattr(value, "__dataclass_fields__"):
            found |= {f"{name}.{inner}": array for inner, array in arrays(value).items()}
    if hasattr(thing, "block"):
        found["attributions"] = thing.block(np.arange(len(thing.cells)))
    return found


def traces(bundle: Bundle) -> list[Any]:
    """Return what explaining must not change: modes, flags, gradients, hooks, weights, random states."""
    legacy = np.random.get_state()  # noqa: NPY002 - old code may still draw from it
    left: list[Any] = [
        torch.get_rng_state().numpy().tobytes(),
        legacy[1].tobytes(),
        legacy[2],
        random.getstate(),
    ]
    left.append(torch.is_grad_enabled())
    for net in (*bundle.folds, bundle.twin):
        for top in vars(net).values() if net is not None else ():
            for module in top.modules() if isinstance(top, nn.Module) else ():
                hooks = (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks)
                left.append((module.training, [len(kind) for kind in hooks]))
                left += [(one.requires_grad, one.grad is None) for one in module.parameters(recurse=False)]
        left.append(None if net is None else [t.numpy().tobytes() for t in weights(bundle, net)])
    return left


def weights(bundle: Bundle, net: Any) -> list[torch.Tensor]:
    return list(family(bundle.family).tensors(net).values())


class Counting(QuietJob):
    """A job that counts its reports and is cancelled at one of them."""

    def __init__(self, last: int | None = None) -> None:
        self.count, self.last = 0, last

    def report(self, fraction: float | None, text: str = "", **metrics: float) -> None:
        self.count += 1
        if self.last is not None and self.count > self.last:
            raise JobCancelled("stopped")


@every_row
def test_names_seed_cancel_and_traces_or_a_reason(key: str, way: str, dataset: Dataset, train: Train) -> None:
    bundle = train(key)
    ask, before, data = Ask(dataset, bundle, way), traces(bundle), dataset.fingerprint
    reason = refusal(bundle, way)
    assert bool(reason) == (key not in FITS[way])
    if reason:
        with pytest.raises(NotCompatible) as caught:
            ask()
        assert str(caught.value) == reason
        assert traces(bundle) == before
        return
    whole = Counting()
    first = ask(whole)
    assert traces(bundle) == before
    assert dataset.fingerprint == data
    net: Any = bundle.folds[0]
    if way != "attention":
        wanted = net.genes if way != "perturbation" or hasattr(net, "decode") else ()
        assert tuple(first.genes) == tuple(wanted)
    if way == "attention":
        assert first.columns == (net.tokens or read_labels(dataset, "label").classes)
    elif way == "traversal":
        assert first.names == getattr(net, "latent_names", tuple(map(str, range(net.n_latent))))
        assert np.array_equal(first.start, CELLS)
    if way != "traversal":
        assert np.array_equal(first.cells, CELLS)
    assert whole.count >= 2
    for last in (0, whole.count // 2):
        with pytest.raises(JobCancelled):
            ask(Counting(last))
        assert traces(bundle) == before
    again = ask()
    assert again.id == first.id
    ours, theirs = arrays(first), arrays(again)
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        assert np.array_equal(values, theirs[name], equal_nan=values.dtype.kind == "f"), name


@every_row
def test_the_size_of_blocks_does_not_matter(
    key: str, way: str, dataset: Dataset, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = train(key)
    if key not in FITS[way]:
        pytest.skip("refused, see above")
    nets = tuple(net.to(dtype=torch.float64) for net in bundle.folds)
    ask = Ask(dataset, replace(bundle, folds=nets, twin=None, family="unheard_of"), way, evidence=False)
    whole = arrays(ask())
    monkeypatch.setattr(planning, "BLOCK_NUMBERS", 7 * dataset.n_genes)
    monkeypatch.setattr(route, "CACHE_ROWS", 3)
    monkeypatch.setattr(engine, "BLOCK", 7)
    monkeypatch.setattr(perturbing, "BLOCK", 7)
    monkeypatch.setattr(token_net, "BLOCK_NUMBERS", 7 * dataset.n_genes)
    monkeypatch.setattr(edge_net, "BLOCK_NUMBERS", 7 * 19 * dataset.n_genes)
    small = arrays(ask())
    assert whole.keys() == small.keys()
    for name, values in whole.items():
        if values.dtype.kind == "f":
            size = np.nanmax(np.abs(values), initial=0.0)
            np.testing.assert_allclose(small[name], values, rtol=0, atol=1e-6 * size, err_msg=name)
        else:
            assert np.array_equal(small[name], values), name
