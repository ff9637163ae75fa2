"""How far attention and the measured change on removal agree on real data; printed for docs/figures.md."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from glasscell.data.labels import read_labels
from glasscell.data.read import read
from glasscell.data.split import split
from glasscell.explain.attention.attend import attend
from glasscell.explain.attention.request import AttentionRequest
from glasscell.models import fit as fitting
from glasscell.models.fit import fit
from glasscell.models.fit_request import FitRequest
from glasscell.models.registry import family

pytestmark = [pytest.mark.slow, pytest.mark.real_data, pytest.mark.acceptance]


def agreement(attention: Any, change: Any) -> float:
    """Rank correlation of attention with the size of the change on removal."""
    known = np.isfinite(attention) & np.isfinite(change)
    return float(spearmanr(attention[known], np.abs(change[known])).statistic)


def test_gene_sets(real_data: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "baseline_rows", lambda *args: {})
    dataset = read(real_data("pbmc3k.h5ad"))
    labels = read_labels(dataset, "louvain")
    sets = str(real_data("gene_sets/hallmark.gmt"))
    params = family("pathway_transformer").params(gene_sets=sets, max_epochs=12)
    folds = split(dataset, "random", n_folds=3, labels=labels)
    bundle = fit(dataset, FitRequest(labels, folds, "pathway_transformer", params))
    found = attend(dataset, bundle, AttentionRequest(labels, params={"random_nets": 2}))
    for which in ("mean", "rollout", "norm"):
        pairs = zip(found.grouped(which), found.removed_gt, strict=True)
        ranks = [agreement(*pair) for pair in pairs]
        print(f"pbmc3k, {which}: rank correlation by group {', '.join(f'{rank:.2f}' for rank in ranks)}")
        assert np.median(ranks) < 0.9, "attention is no stand-in for what removal does"
    first = [found.top(group, 1)[0].column for group in found.groups]
    most = [found.top(group, 1, by="removed")[0].column for group in found.groups]
    same = sum(a == b for a, b in zip(first, most, strict=True))
    print(f"pbmc3k: the most attended set has the largest change in {same} of {len(first)} groups")


def test_neighbours(real_data: Callable[[str], Path]) -> None:
    dataset = read(real_data("dlpfc_151673.h5ad"))
    bundle = fit(dataset, FitRequest(None, None, "spatial_attention"))
    request = AttentionRequest(
        read_labels(dataset, "layer"), params={"edge_cells": 500, "removal_cells": 20, "random_nets": 2}
    )
    found = attend(dataset, bundle, request)
    edges = found.edge_values()[found.proper_e]
    low, high = np.quantile(edges, (0.01, 0.99))
    rank = agreement(edges, found.removed_e[found.proper_e])
    print(
        f"DLPFC 151673: 98 % of edges lie at {low:.2f} to {high:.2f} x uniform; rank correlation {rank:.2f}"
    )
    assert 0.2 < low < 1 < high < 5
    assert rank < 0.9
