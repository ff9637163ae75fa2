"""Modality share: by hand on a linear net, and following what was planted in two kinds of counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from glasscell.data.dataset import Dataset
from glasscell.data.modality import PROTEIN, RNA, feature_modalities
from glasscell.errors import DataError
from glasscell.explain import ExplainRequest, explain
from glasscell.explain.check import checks
from glasscell.explain.modality_share import modality_shares, noted_shares
from glasscell.models.fit import FitRequest, fit
from glasscell.models.preprocessing import Preprocessing
from glasscell.models.registry import family
from glasscell.testing.planted import planted_dataset
from glasscell.testing.toy_net import ToyFactored, toy_bundle
from glasscell.testing.two_modalities import make_two_modalities

SHARES = (0.05, 0.5, 0.95)


def linear(dataset: Dataset) -> tuple[ToyFactored, np.ndarray]:
    weights_g = np.random.default_rng(0).normal(size=dataset.n_genes).astype(np.float32)
    layer, last = nn.Linear(dataset.n_genes, 1), nn.Linear(1, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weights_g)[None])
        last.weight.copy_(torch.tensor([[1.0], [-1.0]]))
    genes = [str(name) for name in dataset.genes.names]
    return ToyFactored(nn.Sequential(layer, last), genes, ("A", "B"), Preprocessing("log1p")), weights_g


def test_shares_by_hand() -> None:
    dataset = planted_dataset(n_cells=40, n_genes=12, n_markers=2, seed=0)
    net, weights_g = linear(dataset)
    bundle = toy_bundle(dataset, [net], np.arange(40) % 2, ("A", "B"))
    request = ExplainRequest("input_x_gradient", "class:A", evidence=False)
    result = explain(dataset, bundle, request)
    kinds = [RNA] * 9 + [PROTEIN] * 3
    values_cg = np.log1p(dataset.expression_cg("counts").toarray()) * weights_g
    size_cg = np.abs(values_cg)
    expected = (size_cg[:, 9:].sum(axis=1) / size_cg.sum(axis=1)).mean()
    found = {one.modality: one for one in modality_shares(result, kinds)}
    assert found[PROTEIN].share == pytest.approx(expected, rel=1e-5)
    assert found[RNA].share + found[PROTEIN].share == pytest.approx(1.0)
    assert found[PROTEIN].net == pytest.approx(values_cg[:, 9:].sum(axis=1).mean(), rel=1e-4)
    assert found[PROTEIN].columns == 0.25
    few = np.zeros(40, bool)
    few[[3, 7]] = True
    one = {part.modality: part.share for part in modality_shares(result, kinds, few)}
    assert one[PROTEIN] == pytest.approx((size_cg[few, 9:].sum(1) / size_cg[few].sum(1)).mean(), rel=1e-5)
    with pytest.raises(DataError, match="kind of each"):
        modality_shares(result, kinds[:-1])
    with pytest.raises(DataError, match="selected cells"):
        modality_shares(result, kinds, np.zeros(40, bool))
    assert noted_shares(result) == {}
    assert "modalities" not in {check.name for check in checks(result)}
    assert [one.share for one in modality_shares(result, [RNA] * 12)] == [1.0]


def test_a_kind_that_hardly_matters_is_told() -> None:
    dataset = planted_dataset(n_cells=40, n_genes=12, n_markers=2, seed=0)
    net, _ = linear(dataset)
    result = explain(
        dataset,
        toy_bundle(dataset, [net], np.arange(40) % 2, ("A", "B")),
        ExplainRequest("input_x_gradient", "class:A", evidence=False),
    )
    for share, verdict in ((0.4, "ok"), (0.01, "warn")):
        noted = {"share of attribution, RNA": 1 - share, "share of attribution, protein": share}
        (found,) = (
            check for check in checks(replace(result, diagnostics=noted)) if check.name == "modalities"
        )
        assert (found.verdict, found.value) == (verdict, share)
        assert "on protein" in found.sentence


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_share_follows_what_was_planted() -> None:
    """S10: the more of the shared factors lies on proteins, the more of TOTALVI's attributions does."""
    pytest.importorskip("scvi", reason="needs scvi-tools: pip install 'glasscell[scvi]'")
    found = []
    for share in SHARES:
        made = make_two_modalities(share, n_cells=500, seed=4)
        settings = {"n_latent": 3, "n_hidden": 32, "n_layers": 1, "max_epochs": 60, "batch_size": 64}
        request = FitRequest(family="totalvi", params=family("totalvi").params(**settings), device="cpu")
        bundle = fit(made.dataset, request)
        kinds = feature_modalities(made.dataset)
        each = []
        for target in bundle.folds[0].targets():
            asked = ExplainRequest(target=str(target), baseline="mean", evidence=False)
            result = explain(made.dataset, bundle, asked)
            shares = {one.modality: one for one in modality_shares(result, kinds)}
            noted = noted_shares(result)
            assert noted[PROTEIN] == pytest.approx(shares[PROTEIN].share)
            spread = float(result.row_sums().std())
            each.append((shares[PROTEIN].share, spread))
        value, weight = np.array(each).T
        found.append(float((value * weight).sum() / weight.sum()))
    print(
        "\nplanted protein share " + ", ".join(map(str, SHARES)) + f"; of attributions {np.round(found, 2)}"
    )
    assert follows(found)
    assert not follows([0.25] * 3), "a report of equal shares must fail"
    assert not follows(found[::-1])


def follows(found: list[float]) -> bool:
    """Whether shares rise with the planted ones, by a good part of them."""
    return found[0] + 0.1 < found[1] and found[1] + 0.1 < found[2]
