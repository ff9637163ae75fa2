"""Attributions of a model that looks at neighbours: the cell's own part and theirs, against slow loops."""

import json

import anndata as ad
import numpy as np
import pytest
import torch

from glasscell.data.dataset import Dataset
from glasscell.errors import DataError
from glasscell.explain import plan as planning
from glasscell.explain.channel import attribution_ref, resolve_attribution
from glasscell.explain.explain import explain
from glasscell.explain.explanation_file import load_explanation, save_explanation
from glasscell.explain.request import ExplainRequest
from glasscell.models.batch import make_batch
from glasscell.models.fit import fit
from glasscell.models.fit_request import FitRequest
from glasscell.models.spatial_attention.family import SpatialParams
from glasscell.models.target import parse_target

CELLS = np.array([3, 50, 51, 90])


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    rng = np.random.default_rng(0)
    points = rng.random((120, 2)) * 11
    rate = 1.0 + 3.0 * (np.arange(12) % 2 == (points[:, :1] > 5.5))
    return Dataset(ad.AnnData(rng.poisson(rate).astype(np.float32), obsm={"spatial": points}))


@pytest.fixture(scope="module")
def bundle(dataset):
    params = SpatialParams(
        n_domains=2, n_components=6, n_latent=3, hidden=8, heads=2, k=4, starts=2, learning_rate=1e-2
    )
    return fit(dataset, FitRequest(family="spatial_attention", params=params))


@pytest.fixture(scope="module")
def found(dataset, bundle):
    return explain(dataset, bundle, asked())


def asked(**more):
    params = {"steps": 64}
    return ExplainRequest(target="domain:1", cells=CELLS, baseline="mean", params=params, **more)


def test_own_and_neighbours_are_the_path_integral_of_each(dataset, bundle, found):
    """Integrated gradients by its formula: cell by cell, midpoint rule, row by row, in float64."""
    net = bundle.folds[0].to(dtype=torch.float64)
    target = parse_target("domain:1")
    start_g = torch.from_numpy(dataset.expression_cg().toarray().astype(np.float64).mean(axis=0))
    steps = 200
    for row, cell in enumerate(CELLS[:2]):
        batch = make_batch(dataset, net, np.array([cell]))
        total_rg = torch.zeros_like(batch.expression)
        for step in range(steps):
            share = (step + 0.5) / steps
            x = (start_g + share * (batch.expression - start_g)).requires_grad_()
            net.score(batch.with_expression(x), target).sum().backward()
            total_rg += x.grad / steps
        values_rg = (total_rg * (batch.expression - start_g)).numpy()
        size = np.abs(values_rg).max()
        assert found.part("own").block([row])[0] == pytest.approx(values_rg[0], abs=0.01 * size)
        assert found.part("neighbours").block([row])[0] == pytest.approx(
            values_rg[1:].sum(0), abs=0.01 * size
        )


def test_the_parts_add_up_and_complete_the_score(found):
    own, theirs = found.part("own"), found.part("neighbours")
    assert own.block(range(4)) + theirs.block(range(4)) == pytest.approx(found.block(range(4)), abs=1e-5)
    assert np.abs(theirs.block(range(4))).max() > 0
    assert found.completeness_gap < 0.01
    assert np.isnan(own.completeness_gap)  # a part alone is not meant to add up
    assert len({found.id, own.id, theirs.id}) == 3
    assert found.part("all") is found
    with pytest.raises(DataError, match="no part"):
        found.part("cousins")


def test_only_a_neighbour_s_gene_moves_the_neighbours_part(dataset, bundle, found):
    """With all neighbours at the baseline their part is zero; the impostor that adds all up is not."""
    start_g = dataset.expression_cg().toarray().mean(axis=0)
    x = np.tile(start_g, (120, 1))
    x[50] = dataset.expression_cg().toarray()[50]
    table = ad.AnnData(np.expm1(x).astype(np.float32), obsm={"spatial": dataset.positions_cd})
    alone = Dataset(table)
    assert not alone.is_counts
    net = bundle.folds[0]
    batch = make_batch(dataset, net, np.array([50]))
    batch = batch.with_expression(torch.from_numpy(x[batch.indices.numpy()].astype(np.float32)))
    from glasscell.explain.method import method_info
    from glasscell.explain.route import Question, attribute_batch

    info = method_info("integrated_gradients")
    question = Question(info, info.make_params({}), parse_target("domain:1"))
    start = torch.from_numpy(start_g.astype(np.float32))[None]
    block = attribute_batch(net, batch, question, start, torch.zeros(len(batch), dtype=torch.int64))
    assert block.own_cg.abs().max() > 0.01
    assert torch.allclose(block.values_cg, block.own_cg, atol=1e-6)


@pytest.mark.parametrize("method", ["saliency", "input_x_gradient", "integrated_gradients"])
def test_blocks_do_not_matter_and_nothing_is_left_behind(dataset, bundle, monkeypatch, method):
    request = ExplainRequest(method=method, target="latent:1", cells=CELLS, baseline="mean", evidence=False)
    before = {name: tensor.clone() for name, tensor in bundle.folds[0].network.state_dict().items()}
    state = torch.random.get_rng_state()
    whole = explain(dataset, bundle, request)
    monkeypatch.setattr(planning, "BLOCK_NUMBERS", 1)
    small = explain(dataset, bundle, request)
    assert small.block(range(4)) == pytest.approx(whole.block(range(4)), abs=1e-5)
    assert small.part("own").block(range(4)) == pytest.approx(whole.part("own").block(range(4)), abs=1e-5)
    assert torch.equal(state, torch.random.get_rng_state())
    assert all(torch.equal(before[name], new) for name, new in bundle.folds[0].network.state_dict().items())
    assert all(one.grad is None and not one.requires_grad for one in bundle.folds[0].network.parameters())


def test_a_random_net_explains_otherwise(found):
    assert abs(found.diagnostics["reinitialised_correlation"]) < 0.6


def test_parts_are_saved_and_shown(dataset, bundle, found, tmp_path):
    back = load_explanation(save_explanation(found, tmp_path / "result"))
    assert np.array_equal(back.own_cg, found.own_cg)
    assert back.id == found.id

    class Context:
        def __init__(self):
            self.dataset = dataset

        def explanation(self, name):
            return {found.id: found}[name]

    gene = found.genes[2]
    shown = {
        part: resolve_attribution(Context(), attribution_ref(found, gene, part))
        for part in ("all", "own", "neighbours")
    }
    assert shown["own"].values + shown["neighbours"].values == pytest.approx(
        shown["all"].values, abs=1e-5, nan_ok=True
    )
    assert "neighbours'" in shown["neighbours"].title


def test_a_model_of_single_cells_has_no_parts(request):
    from glasscell.explain.dense import DenseAttribution

    found = request.getfixturevalue("found")
    alone = DenseAttribution(
        **{
            name: getattr(found, name) for name in ("provenance", "n_cells", "cells", "genes", "fold_of_cell")
        },
        in_training=found.in_training,
        values_cg=found.values_cg,
        above_cg=found.above_cg,
    )
    assert alone.part("all") is alone
    with pytest.raises(DataError, match="one cell at a time"):
        alone.part("own")


def test_the_shell_ranks_one_part(dataset, bundle, tmp_path):
    from typer.testing import CliRunner

    from glasscell.cli.app import app
    from glasscell.models.bundle_file import save_bundle

    dataset.adata.write_h5ad(tmp_path / "data.h5ad")
    model = save_bundle(bundle, tmp_path / "model")
    command = [
        "explain",
        str(tmp_path / "data.h5ad"),
        "--model",
        str(model),
        "--target",
        "domain:1",
        "--json",
    ]
    values = {}
    for part in ("all", "own", "neighbours"):
        done = CliRunner().invoke(app, [*command, "--baseline", "mean", "--part", part, "--top", "12"])
        assert done.exit_code == 0, done.output
        values[part] = {row["gene"]: row["value"] for row in json.loads(done.stdout)["top"]}
    for gene, whole in values["all"].items():
        assert values["own"][gene] + values["neighbours"][gene] == pytest.approx(whole, abs=1e-4)
    assert CliRunner().invoke(app, [*command, "--part", "cousins"]).exit_code != 0
