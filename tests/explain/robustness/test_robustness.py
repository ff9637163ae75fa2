"""Robustness: nets whose answers under thinning are known, protocols left out, impostors."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from glasscell.data.dataset import Dataset
from glasscell.data.labels import read_labels
from glasscell.data.split import split
from glasscell.errors import DataError, JobCancelled, NotCompatible
from glasscell.explain.robustness import check as checking
from glasscell.explain.robustness import measure as measuring
from glasscell.explain.robustness.check import Check
from glasscell.explain.robustness.condition import latent_agreement, overlap
from glasscell.explain.robustness.measure import robustness, why_not_robust
from glasscell.explain.robustness.protocol import protocols, request_without
from glasscell.explain.robustness.request import RobustnessRequest
from glasscell.models import network as own_networks
from glasscell.models.apply import apply
from glasscell.models.bundle import Bundle
from glasscell.models.bundle_file import load_bundle, save_bundle
from glasscell.models.classifier.family import ClassifierParams
from glasscell.models.fit import FitRequest, fit
from glasscell.models.gan.params import GanParams
from glasscell.models.preprocessing import Preprocessing
from glasscell.models.registry import BUILT_IN
from glasscell.models.robustness import Robustness
from glasscell.models.vae.family import VaeParams
from glasscell.testing.planted import planted_adata
from glasscell.testing.toy_family import OWN_NETWORK, toy_own_network
from glasscell.testing.toy_net import ToyFactored, toy_bundle

SHALLOW, DEEP, N = 3.0, 400.0, 2000
Train = Callable[[str], Bundle]


def two_genes(seed: int = 0) -> Dataset:
    """Class B alone has counts of two genes, few of FAINT and many of LOUD; eight others are the same."""
    rng = np.random.default_rng(seed)
    truth = np.arange(N) % 2
    counts_cg = rng.poisson(20.0, (N, 10)).astype(np.float32)
    counts_cg[:, 0] = rng.poisson(SHALLOW, N) * truth
    counts_cg[:, 1] = rng.poisson(DEEP, N) * truth
    obs = pd.DataFrame({"truth": pd.Categorical(np.array(["A", "B"])[truth])}, [f"c{n}" for n in range(N)])
    var = pd.DataFrame(index=["FAINT", "LOUD", *(f"g{n}" for n in range(8))])
    return Dataset(ad.AnnData(counts_cg, obs, var))


def net_of(dataset: Dataset, gene: int, slope: float = 1e4) -> ToyFactored:
    """Class B wherever there is any count of the gene: the logit of A is 1, that of B a steep slope."""
    layer, last = nn.Linear(10, 2), nn.Linear(2, 2)
    with torch.no_grad():
        layer.weight.zero_()
        layer.weight[1, gene] = slope
        layer.bias.copy_(torch.tensor([1.0, 0.0]))
        last.weight.copy_(torch.eye(2))
        last.bias.zero_()
    genes = [str(name) for name in dataset.genes.names]
    return ToyFactored(nn.Sequential(layer, last), genes, ("A", "B"), Preprocessing("lognorm", 500.0))


def toy(dataset: Dataset, gene: int) -> Bundle:
    net = net_of(dataset, gene)
    bundle = toy_bundle(dataset, [net, net], np.arange(N) % 2, ("A", "B"))
    fold = (np.arange(N) // 2 % 2).astype(np.int32)  # both classes in both folds
    return replace(bundle, cells=replace(bundle.cells, fold=fold))


@pytest.fixture(scope="module")
def genes() -> Dataset:
    return two_genes()


def accuracies(found: Robustness) -> list[float]:
    return [row.figures["accuracy"] for row in (*found.of("as measured"), *found.of("thinned"))]


def test_accuracy_under_thinning_is_the_one_that_chance_gives(genes: Dataset) -> None:
    """A cell of B is found while any molecule of FAINT is left: 1 - exp(-3 p) of them."""
    found = robustness(genes, toy(genes, 0), RobustnessRequest(protocol=""))
    expected = [1 - np.exp(-SHALLOW * share) / 2 for share in (1.0, 0.5, 0.25, 0.1)]
    assert accuracies(found) == pytest.approx(expected, abs=0.03)
    assert all(a > b for a, b in itertools.pairwise(accuracies(found)))
    assert [row.condition for row in found.of("thinned")] == [
        "counts thinned to 50 %",
        "counts thinned to 25 %",
        "counts thinned to 10 %",
    ]
    assert {row.n_cells for row in found.rows} == {N}
    right = found.rows[3].figures["accuracy"]
    assert found.rows[3].figures["ECE"] == pytest.approx(1 - right, abs=0.3), "certain where it is wrong"
    assert found.rows[0].figures["logistic accuracy"] > 0.99


def test_a_net_of_a_loud_gene_keeps_its_accuracy(genes: Dataset) -> None:
    found = robustness(genes, toy(genes, 1), RobustnessRequest(protocol=""))
    assert accuracies(found) == [1.0] * 4
    assert found.rows[0].figures["top-2 overlap"] == 1.0


def test_a_report_that_thinned_nothing_fails(genes: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "thinned", lambda dataset, share, seed: dataset)
    found = robustness(genes, toy(genes, 0), RobustnessRequest(protocol=""))
    expected = [1 - np.exp(-SHALLOW * share) / 2 for share in (1.0, 0.5, 0.25, 0.1)]
    assert accuracies(found) != pytest.approx(expected, abs=0.03)
    assert len(set(accuracies(found))) == 1


def test_held_out_cells_only_and_each_by_its_own_net(genes: Dataset) -> None:
    """Net 0 is right, net 1 wrong: cells that net 0 holds out are right, and no cell is asked of both."""
    good, bad = net_of(genes, 1), net_of(genes, 1, slope=-1e4)
    truth = np.arange(N) % 2
    bundle = toy_bundle(genes, [good, bad], truth, ("A", "B"))
    fold = np.where(np.arange(N) < N // 2, 0, 1).astype(np.int32)
    fold[::10] = -1
    bundle = replace(bundle, cells=replace(bundle.cells, fold=fold))
    found = robustness(genes, bundle, RobustnessRequest(shares=(), protocol=""))
    (row,) = found.rows
    assert row.n_cells == (fold >= 0).sum()
    known = fold >= 0
    assert row.figures["accuracy"] == pytest.approx(np.mean((fold == 0)[known] | (truth == 0)[known]))


def test_overlap_and_agreement_by_hand() -> None:
    before = {"A": frozenset("wxyz"), "B": frozenset("wx")}
    after = {"A": frozenset("wxab"), "B": frozenset("ab"), "C": frozenset("q")}
    assert overlap(before, after) == pytest.approx((2 / 4 + 0 / 2) / 2)
    rng = np.random.default_rng(0)
    latent_cz = rng.normal(size=(200, 3))
    same = latent_agreement(latent_cz, latent_cz**3)
    assert same["latent correlation"] == pytest.approx(1.0)
    turned = latent_agreement(
        latent_cz, latent_cz @ np.linalg.qr(rng.normal(size=(3, 3)))[0], same_axes=False
    )
    assert turned == {"neighbours kept": 1.0}
    other = latent_agreement(latent_cz, rng.normal(size=(200, 3)))
    assert other["neighbours kept"] == pytest.approx(15 / 199, abs=0.03)
    assert abs(other["latent correlation"]) < 0.15


@pytest.fixture(scope="module")
def two_protocols() -> Dataset:
    """Two protocols: the second knows nothing of the first three markers of each class."""
    made = planted_adata(n_cells=240, n_genes=40, n_markers=6, fold_change=6.0, seed=5)
    late = np.random.default_rng(5).random(240) < 0.4
    counts_cg = made.X.toarray()
    for code in range(3):
        counts_cg[np.ix_(late, np.arange(code * 6, code * 6 + 3))] = 0
    made.X = counts_cg.astype(np.float32)
    made.obs["protocol"] = pd.Categorical(np.array(["early", "late"])[late.astype(int)])
    return Dataset(made)


@pytest.fixture(scope="module")
def trained(two_protocols: Dataset) -> Bundle:
    labels = read_labels(two_protocols, "label")
    folds = split(two_protocols, "random", n_folds=2, labels=labels)
    params = ClassifierParams(hidden=16, max_epochs=15, batch_size=32)
    request = FitRequest(labels, folds, params=params, device="cpu", baselines=False)
    return fit(two_protocols, request)


@pytest.fixture(scope="module")
def found(two_protocols: Dataset, trained: Bundle) -> Robustness:
    other = Dataset(two_protocols.adata[::2].copy())
    return robustness(two_protocols, trained, RobustnessRequest((0.25,)), others={"half.h5ad": other})


def test_a_protocol_not_trained_on_is_the_harder_one(two_protocols: Dataset, found: Robustness) -> None:
    rows = {row.condition: row for row in found.of("protocol")}
    assert list(rows) == [
        "early, trained on all",
        "early, not trained on",
        "late, trained on all",
        "late, not trained on",
    ]
    late = int((two_protocols.obs["protocol"] == "late").sum())
    assert rows["late, not trained on"].n_cells == late
    gap = rows["late, trained on all"].figures["accuracy"] - rows["late, not trained on"].figures["accuracy"]
    assert gap > 0.1, "half of the markers it learnt are missing there"
    assert rows["late, not trained on"].figures["top-10 overlap"] < 1
    assert "logistic accuracy" in rows["late, not trained on"].figures
    assert "top-10 overlap" not in rows["late, trained on all"].figures, (
        "compared with itself it says nothing"
    )


def test_another_file_is_a_row(found: Robustness, trained: Bundle, two_protocols: Dataset) -> None:
    (row,) = found.of("other file")
    assert (row.condition, row.n_cells) == ("file half.h5ad", 120)
    half = Dataset(two_protocols.adata[::2].copy())
    said = apply(trained, half).probabilities_ck.argmax(axis=1)
    truth = two_protocols.obs["label"].to_numpy()[::2]
    right = np.array(trained.classes)[said] == truth
    assert row.figures["accuracy"] == pytest.approx(right.mean())
    assert 0.5 < row.figures["top-10 overlap"] <= 1


def test_it_is_kept_in_the_bundle(found: Robustness, trained: Bundle, tmp_path: Path) -> None:
    again = load_bundle(save_bundle(replace(trained, robustness=found), tmp_path))
    assert again.robustness is not None
    assert json.dumps(again.robustness.to_json()) == json.dumps(found.to_json())
    assert again.fingerprint == trained.fingerprint == found.model
    table = found.table()
    assert list(table.columns[:3]) == ["kind", "condition", "cells"]
    assert len(table) == len(found.rows)
    words = json.loads((tmp_path / "model.json").read_text())
    del words["robustness"]
    (tmp_path / "model.json").write_text(json.dumps(words))
    assert load_bundle(tmp_path).robustness is None, "older bundles have none"


def test_what_cannot_be_measured_is_said(genes: Dataset, two_protocols: Dataset, trained: Bundle) -> None:
    assert "Train or load" in why_not_robust(None, genes)
    with pytest.raises(NotCompatible, match="held out"):
        robustness(genes, trained)
    with pytest.raises(DataError, match="chip"):
        robustness(two_protocols, trained, RobustnessRequest(protocol="chip"))
    with pytest.raises(DataError, match="share"):
        RobustnessRequest((1.5,))
    asked = RobustnessRequest((), "")
    found = robustness(two_protocols, trained, asked, others={"genes.h5ad": genes})
    assert not found.of("other file")
    assert any("genes.h5ad" in note for note in found.notes)


def test_one_protocol_that_fails_takes_no_other_with_it(
    two_protocols: Dataset, trained: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(self: Check, words: str, *rest: Any) -> Any:
        if words == "early, not trained on":
            raise NotCompatible("no such luck.")
        return row_of(self, words, *rest)

    row_of = Check._protocol_row
    monkeypatch.setattr(Check, "_protocol_row", failing)
    found = robustness(two_protocols, trained, RobustnessRequest(()))
    assert [row.condition for row in found.of("protocol")] == [
        "early, trained on all",
        "late, trained on all",
        "late, not trained on",
    ]
    assert "Not measured, without early: no such luck." in found.notes


def test_one_map_that_fails_takes_no_other_with_it(
    two_protocols: Dataset, mapped: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(dataset: Dataset, request: FitRequest, job: Any) -> Bundle:
        assert request.split is not None
        if request.split.description.startswith('"early"'):
            raise NotCompatible("no such luck.")
        return fit(dataset, request, job)

    monkeypatch.setattr(checking, "fit", failing)
    found = robustness(two_protocols, mapped, RobustnessRequest(()))
    assert [row.condition for row in found.of("protocol")] == ["late, not trained on"]
    assert "Not measured, training without early: no such luck." in found.notes


def test_that_logistic_regression_saw_the_gap_is_said(two_protocols: Dataset, trained: Bundle) -> None:
    blocks, wide = (split(two_protocols, "blocks", n_folds=2, gap=gap) for gap in (0.0, 10.0))
    for one, said in ((blocks, False), (wide, True)):
        told = replace(trained, split_text=one.description)
        found = robustness(two_protocols, told, RobustnessRequest((), ""))
        assert any("cells of the gap" in note for note in found.notes) is said


def test_it_can_be_stopped_anywhere(two_protocols: Dataset, trained: Bundle) -> None:
    class Stopped:
        def __init__(self, last: int) -> None:
            self.seen, self.last = 0, last

        def report(self, fraction: float | None, text: str = "", **_: float) -> None:
            self.seen += 1
            if self.seen > self.last:
                raise JobCancelled("stopped")

    for limit in (0, 5, 40):
        with pytest.raises(JobCancelled):
            robustness(two_protocols, trained, job=Stopped(limit))


@pytest.fixture(scope="module")
def mapped(two_protocols: Dataset) -> Bundle:
    params = VaeParams(hidden=16, n_latent=4, max_epochs=4, batch_size=32)
    return fit(two_protocols, FitRequest(family="vae", params=params, device="cpu"))


def test_a_generator_of_kinds_is_trained_with_them_without_a_protocol(two_protocols: Dataset) -> None:
    params = GanParams(n_latent=3, hidden=8, max_epochs=1, gan_epochs=1, noise=4, gan_hidden=8)
    labels = read_labels(two_protocols, "label")
    bundle = fit(two_protocols, FitRequest(labels, None, "gan", params, device="cpu"))
    asked = request_without(two_protocols, bundle, "protocol", *protocols(two_protocols, "protocol"), 0)
    assert asked.labels is not None
    assert asked.labels.name == "label"
    assert asked.split is not None
    assert (asked.baselines, asked.split.scheme) == (False, "obs:protocol")


def test_a_model_without_classes_is_asked_for_its_map(two_protocols: Dataset, mapped: Bundle) -> None:
    bundle = mapped
    found = robustness(two_protocols, bundle, RobustnessRequest((0.5, 0.05)))
    first, half, little = found.rows[:3]
    assert first.figures["neighbours kept"] == 1.0
    assert 1 > half.figures["latent correlation"] > little.figures["latent correlation"]
    assert {f"{name}, best baseline" for name in bundle.figures["vae"]} <= set(half.figures)
    assert first.figures["Poisson deviance"] == pytest.approx(
        bundle.figures["vae"]["Poisson deviance"], rel=0.2
    )
    rows = found.of("protocol")
    assert [row.condition for row in rows] == ["early, not trained on", "late, not trained on"]
    assert all(0 < row.figures["neighbours kept"] < 1 for row in rows)


@pytest.fixture(scope="module")
def train(toy_train: Train) -> Iterator[Train]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_networks, "_REGISTERED", {OWN_NETWORK: toy_own_network})
        yield toy_train


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("key", BUILT_IN)
def test_every_family_has_it(key: str, train: Train, toy_dataset_once: Dataset) -> None:
    dataset, bundle = toy_dataset_once, train(key)
    asked: dict[str, Any] = {"shares": (0.5,), "protocol": "", "cells_per_class": 4}
    found = robustness(dataset, bundle, RobustnessRequest(**asked))
    figure = "accuracy" if bundle.classes else "neighbours kept"
    assert [row.kind for row in found.rows] == ["as measured", "thinned"]
    assert all(np.isfinite(row.figures[figure]) for row in found.rows)
    assert found.rows[0].figures != found.rows[1].figures
    assert not [note for note in found.notes if "Not measured" in note]
