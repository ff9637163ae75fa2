"""Importance of named nodes: attributions by hand, both controls, a node that is just well connected."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pytest
import torch

from glasscell.data.dataset import Dataset
from glasscell.data.gene_set import write_gmt
from glasscell.data.labels import read_labels
from glasscell.data.split import split
from glasscell.errors import DataError, JobCancelled, NotCompatible
from glasscell.explain.node_importance.attribute import node_attributions, shares
from glasscell.explain.node_importance.control import ProfileRows, deterministic_profiles
from glasscell.explain.node_importance.measure import node_importance, why_no_nodes
from glasscell.explain.node_importance.result import (
    BOTH,
    CONNECTIONS,
    NOTHING_LEARNT,
    NodeImportance,
    read_nodes,
)
from glasscell.jobs import QuietJob
from glasscell.models import fit as fitting
from glasscell.models.batch import make_batch
from glasscell.models.bundle import Bundle
from glasscell.models.fit import fit
from glasscell.models.fit_request import FitRequest
from glasscell.models.pathway_net.params import PathwayNetParams
from glasscell.models.target import Target
from glasscell.testing.favoured_node import FAVOURED, FavouredNode, make_favoured_node

FAST = {"n_free": 0, "max_epochs": 20, "learning_rate": 2e-2, "batch_size": 32}


def train(made: FavouredNode, folder: Path, seed: int, *, groups: bool, **settings: Any) -> Bundle:
    write_gmt(made.sets, folder / "sets.gmt")
    write_gmt(made.groups, folder / "groups.gmt")
    files = {"gene_sets": str(folder / "sets.gmt"), "hierarchy": str(folder / "groups.gmt") if groups else ""}
    params = PathwayNetParams(**{**FAST, **files, **settings})
    labels = read_labels(made.dataset, "label")
    folds = split(made.dataset, "random", n_folds=3, seed=0, labels=labels)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "baseline_rows", lambda *args: {})
        request = FitRequest(labels, folds, family="pathway_net", params=params, seed=seed, device="cpu")
        return fit(made.dataset, request)


@pytest.fixture(scope="module")
def made() -> FavouredNode:
    return make_favoured_node(seed=0, n_cells=300)


@pytest.fixture(scope="module")
def bundle(made: FavouredNode, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return train(made, tmp_path_factory.mktemp("sets"), 0, groups=False)


@pytest.fixture(scope="module")
def found(made: FavouredNode, bundle: Bundle) -> NodeImportance:
    return node_importance(made.dataset, bundle, 4)


@pytest.fixture(scope="module")
def layered(tmp_path_factory: pytest.TempPathFactory) -> tuple[FavouredNode, Bundle, NodeImportance]:
    """Two layers, hardly trained."""
    small = make_favoured_node(seed=1, n_cells=150, n_decoys=2, n_markers=6)
    bundle = train(small, tmp_path_factory.mktemp("sets"), 0, groups=True, max_epochs=2)
    return small, bundle, node_importance(small.dataset, bundle, 3)


def test_attributions_are_path_integrals_of_each_layer(
    layered: tuple[FavouredNode, Bundle, NodeImportance],
) -> None:
    made, bundle, _ = layered
    net: Any = bundle.folds[0].to(dtype=torch.float64)
    batch = make_batch(made.dataset, net, np.arange(5))
    start_g = batch.expression.mean(dim=0) * 0.5
    start = replace(batch, expression=start_g[None], indices=torch.zeros(1, dtype=torch.int64))
    layers = node_attributions(net, batch, start_g, 1, steps=32)

    def over_others(layer: int, values: torch.Tensor) -> torch.Tensor:
        logits = net.logits_from(layer, values)
        return logits[:, 1] - (logits[:, 0] + logits[:, 2]) / 2

    ends, starts = net.node_values(batch), net.node_values(start)
    for layer, ours in enumerate(layers):
        way = ends[layer] - starts[layer]
        by_hand = torch.zeros_like(way)
        for step in range(50):  # midpoints, and differences of the function itself
            at = starts[layer] + (step + 0.5) / 50 * way
            for node in range(way.shape[1]):
                nudge = torch.zeros_like(at)
                nudge[:, node] = 1e-5
                slope = (over_others(layer, at + nudge) - over_others(layer, at - nudge)) / 2e-5
                by_hand[:, node] += way[:, node] * slope / 50
        torch.testing.assert_close(ours, by_hand, atol=1e-4, rtol=1e-3)
    target = Target("contrast", bundle.classes[1])
    change = net.score(batch, target) - net.score(start, target)
    torch.testing.assert_close(layers[0].sum(dim=1), change, atol=1e-8, rtol=1e-8)


def test_shares_sum_to_one_in_each_layer() -> None:
    size_nk = np.array([[1.0, 0.0], [3.0, 0.0], [2.0, np.nan], [2.0, np.nan]])
    share_nk = shares(size_nk, np.array([1, 1, 2, 2], np.int32))
    np.testing.assert_allclose(share_nk[:, 0], [0.25, 0.75, 0.5, 0.5])
    assert np.isnan(share_nk[:, 1]).all(), "of nothing there is no share"


def test_every_gene_alone_tells_the_classes_and_none_better() -> None:
    rng = np.random.default_rng(0)
    mean_g, sd_g = rng.random(50) + 1, rng.random(50) + 0.1
    profiles_kg = deterministic_profiles(mean_g, sd_g, 4, 7)
    np.testing.assert_allclose(profiles_kg.mean(axis=0), mean_g, rtol=1e-5)
    np.testing.assert_allclose(profiles_kg.std(axis=0), np.sqrt(np.mean(sd_g**2)), rtol=1e-5)
    apart = np.abs(profiles_kg[:, None] - profiles_kg[None])[~np.eye(4, dtype=bool)]
    assert apart.min() > 0
    assert not np.array_equal(profiles_kg, deterministic_profiles(mean_g, sd_g, 4, 8))
    codes = np.array([0, 3, 3, 1, -1])
    rows = ProfileRows(profiles_kg, codes)
    assert (len(rows), rows.n_genes) == (5, 50)
    table = rows.take(torch.arange(4)).numpy()
    np.testing.assert_array_equal(table, profiles_kg[codes[:4]])
    mean, sd = rows.moments(np.arange(4))
    np.testing.assert_allclose(mean, table.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(sd, table.std(axis=0), rtol=1e-4)


def test_an_impostor_of_many_genes_and_paths_is_flagged_and_what_matters_is_not(
    made: FavouredNode, found: NodeImportance
) -> None:
    for name in found.classes:
        rows = {row.node: row for row in found.rows(name, 1)}
        plain = sorted(rows, key=lambda node: -rows[node].share)
        impostor = rows[FAVOURED]
        assert FAVOURED in plain[:4], "by its share alone it looks as important as the three that matter"
        assert impostor.genes > 10 * rows[made.matters[name]].genes
        assert impostor.paths == max(row.paths for row in rows.values())
        controls = [row.shuffled for row in rows.values()]
        assert impostor.shuffled > 1.5 * np.median(controls), "important without labels too"
        assert impostor.z < 2, name
        assert impostor.flag
        true = rows[made.matters[name]]
        assert true.value > 0, "more of its genes speaks for the class"
        assert true.z > 2
        assert not true.flag
        decoys = [row for node, row in rows.items() if node.startswith("DECOY")]
        assert all(row.flag and row.z < 1 for row in decoys)
    f1, without, all_told = found.f1_kinds
    assert f1 > 0.9
    assert without < 0.6
    assert all_told > 0.99


def test_the_real_nets_are_the_bundles_own(
    layered: tuple[FavouredNode, Bundle, NodeImportance],
) -> None:
    made, bundle, found = layered
    net: Any = bundle.folds[1]
    cells = np.flatnonzero((bundle.cells.fold == 1) & (bundle.cells.truth == 2))
    trained = (bundle.cells.fold >= 0) & (bundle.cells.fold != 1)
    batch = make_batch(made.dataset, net, cells)
    others = [
        make_batch(made.dataset, net, np.flatnonzero(trained & (bundle.cells.truth == code))).expression
        for code in (0, 1)
    ]
    start_g = torch.stack([one.double().mean(dim=0) for one in others]).mean(dim=0)
    layers = node_attributions(net, batch, start_g, 2)
    ours = torch.cat([one.mean(dim=0) for one in layers]).numpy()
    np.testing.assert_allclose(found.value_snk[1, :, 2], ours, atol=1e-5)
    for layer in (1, 2):
        mine = found.layer_n == layer
        for kind in (found.share_snk, found.shuffled_snk, found.deterministic_snk):
            np.testing.assert_allclose(kind[:, mine].sum(axis=1), 1)


def test_the_same_call_gives_the_same_numbers_and_leaves_no_trace(
    layered: tuple[FavouredNode, Bundle, NodeImportance],
) -> None:
    made, bundle, found = layered
    state, fingerprint = torch.get_rng_state(), bundle.fingerprint
    assert node_importance(made.dataset, bundle, 3).manifest() == found.manifest()
    assert torch.equal(state, torch.get_rng_state())
    assert bundle.fingerprint == fingerprint
    assert not np.array_equal(found.shuffled_snk[0], found.shuffled_snk[1])


def tiny(**changes: Any) -> NodeImportance:
    """Three nodes, one class, four seeds; shares that can be followed by hand."""
    rng = np.random.default_rng(0)
    share = np.tile(np.array([0.6, 0.3, 0.1]), (4, 1))[:, :, None]
    control = np.tile(np.array([0.2, 0.3, 0.5]), (4, 1))[:, :, None] + rng.normal(0, 0.01, (4, 3, 1))
    words = {"model": "m", "fingerprint": "f", "family": "pathway_net", "data": "d"}
    values: dict[str, Any] = {
        "nodes": ("A", "B", "C"),
        "layer_n": np.ones(3, np.int32),
        "free_n": np.array([False, False, True]),
        "classes": ("K",),
        "genes_n": np.arange(3),
        "paths_n": np.arange(3),
        "seeds": (0, 1, 2, 3),
        "value_snk": share * 2,
        "share_snk": share,
        "shuffled_snk": control,
        "deterministic_snk": control,
        "f1_kinds": (0.9, 0.3, 1.0),
        **words,
    }
    return NodeImportance(**{**values, **changes})


def test_z_is_the_distance_from_control_nets_in_their_own_spread() -> None:
    found = tiny()
    mean_n, sd_n = (getattr(found.shuffled_snk[:, :, 0], name)(axis=0) for name in ("mean", "std"))
    variance_n = sd_n**2 * 4 / 3
    usual_n = np.median(variance_n / mean_n**2) * mean_n**2
    pooled_n = np.sqrt((3 * variance_n + 3 * usual_n) / 6)
    by_hand = (np.array([0.6, 0.3, 0.1]) - mean_n) / pooled_n
    np.testing.assert_allclose(found.z_shuffled_nk[:, 0], by_hand)
    assert [row.node for row in found.rows("K")] == ["A", "B", "C"]
    assert [row.flag for row in found.rows("K")] == ["", BOTH, BOTH]


def test_flags_name_the_control_that_gives_as_much() -> None:
    same, apart = tiny().share_snk, tiny().shuffled_snk
    assert tiny(deterministic_snk=same).rows("K")[0].flag == CONNECTIONS
    one = {row.node: row.flag for row in tiny(shuffled_snk=same, deterministic_snk=apart).rows("K")}
    assert one["A"] == NOTHING_LEARNT
    unknown = tiny(share_snk=np.full((4, 3, 1), np.nan)).rows("K")
    assert [row.flag for row in unknown] == [BOTH] * 3, "what was not held out does not stand out"
    assert "read nothing here" in " ".join(tiny(f1_kinds=(0.3, 0.3, 1.0)).notes)


def test_written_and_read_back_equal(found: NodeImportance) -> None:
    adata = ad.AnnData(np.zeros((2, 2), np.float32))
    holes = replace(found, share_snk=np.where(found.share_snk > 0.3, np.nan, found.share_snk))
    for one in (found, holes):
        key = one.write_into(adata)
        (kept,) = read_nodes(adata)
        assert kept.manifest() == one.manifest()
        assert kept.id == one.id
    assert len(found.table()) == len(found.nodes) * len(found.classes)
    whole = json.loads(adata.uns[key])
    adata.uns[key] = json.dumps({**whole, "format_version": 99})
    with pytest.raises(DataError, match="newer version"):
        read_nodes(adata)
    adata.uns[key] = json.dumps({name: value for name, value in whole.items() if name != "nodes"})
    with pytest.raises(DataError, match="damaged"):
        read_nodes(adata)


def test_what_cannot_be_asked_is_told(made: FavouredNode, bundle: Bundle, found: NodeImportance) -> None:
    with pytest.raises(DataError, match="3 seeds or more"):
        node_importance(made.dataset, bundle, 2)
    with pytest.raises(DataError, match="no class 'Z'"):
        found.rows("Z")
    with pytest.raises(DataError, match="no layer 3"):
        found.rows("K1", 3)
    assert "Train a model with named nodes first" in why_no_nodes(None, None)
    fewer = Dataset(made.dataset.adata[:200].copy())
    with pytest.raises(NotCompatible, match="trained on other data"):
        node_importance(fewer, bundle)


def test_it_is_cancelled_where_it_reports(made: FavouredNode, bundle: Bundle) -> None:
    class Stop(QuietJob):
        left = 8

        def report(self, fraction: float | None, text: str = "", **metrics: float) -> None:
            self.left -= 1
            if not self.left:
                raise JobCancelled("stopped")

    with pytest.raises(JobCancelled):
        node_importance(made.dataset, bundle, 3, Stop())
