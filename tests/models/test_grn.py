"""Gene networks: a literal oracle, who reaches whom, which genes are used, and data with nothing to learn."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anndata as ad
import numpy as np
import pytest
import torch

from glasscell.data.channel import ChannelRef
from glasscell.data.dataset import Dataset
from glasscell.errors import DataError, NotCompatible
from glasscell.models.batch import make_batch
from glasscell.models.bundle import Bundle
from glasscell.models.fit import fit, fit_twin
from glasscell.models.fit_request import FitRequest
from glasscell.models.grn import model as published
from glasscell.models.grn.channel import influence_of_cells, listed_pairs, resolve_influence
from glasscell.models.grn.choice import choose_genes, read_regulators
from glasscell.models.grn.figure import LEFT, straight_lines
from glasscell.models.grn.model import GrnModel
from glasscell.models.grn.network import HiddenInputs
from glasscell.models.grn.params import GrnParams
from glasscell.models.layer import seed_noise
from glasscell.models.preflight import check
from glasscell.models.target import Target

SHORT = {"hidden": 8, "max_epochs": 40, "learning_rate": 1e-2, "batch_size": 64}


def chain(seed: int = 0, n_cells: int = 400) -> Dataset:
    """Return values of genes a -> b (up) and b -> c (down), of two on their own and of a constant one."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=n_cells)
    b = 0.9 * a + 0.4 * rng.normal(size=n_cells)
    c = -0.9 * b + 0.4 * rng.normal(size=n_cells)
    alone = rng.normal(size=(2, n_cells))
    values_cg = 3 + np.stack([a, b, c, *alone, np.zeros(n_cells)], axis=1)
    made = ad.AnnData(values_cg.astype(np.float32))
    made.var_names = ["a", "b", "c", "d", "e", "still"]
    return Dataset(made)


def trained(dataset: Dataset, seed: int = 0, **params: Any) -> Bundle:
    request = FitRequest(family="grn", params=GrnParams(**{**SHORT, **params}), seed=seed, device="cpu")
    return fit(dataset, request)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return chain()


@pytest.fixture(scope="module")
def bundle(dataset: Dataset) -> Bundle:
    return trained(dataset)


@pytest.fixture(scope="module")
def net(bundle: Bundle) -> GrnModel:
    one: Any = bundle.folds[0]
    return one.to(dtype=torch.float64)


@pytest.fixture(scope="module")
def x_cg(dataset: Dataset, net: GrnModel) -> torch.Tensor:
    return make_batch(dataset, net, np.arange(7)).expression


def slow(net: GrnModel, x_cg: torch.Tensor) -> list[list[float]]:
    """Foretell every used gene of every cell number by number, its own value taken out."""
    parts = {name: values.tolist() for name, values in net.network.state_dict().items()}
    used, sources = parts["used"], parts["sources"]
    made = []
    for row in x_cg.tolist():
        z = [
            (row[gene] - parts["standardise.mean"][at]) / parts["standardise.scale"][at]
            for at, gene in enumerate(used)
        ]
        said = []
        for gene in range(len(used)):
            total = parts["out.bias"][gene]
            for unit, start in enumerate(parts["first.bias"]):
                for r, source in enumerate(sources):
                    if source != gene:
                        start += parts["first.weight"][unit][r] * z[source]
                total += parts["out.weight"][gene][unit] * math.tanh(start)
            said.append(total * parts["standardise.scale"][gene] + parts["standardise.mean"][gene])
        made.append(said)
    return made


def test_it_is_what_the_formula_says(net: GrnModel, x_cg: torch.Tensor, dataset: Dataset) -> None:
    wanted = np.array(slow(net, x_cg))
    np.testing.assert_allclose(net.predict(x_cg).numpy(), wanted, rtol=1e-10)
    batch = make_batch(dataset, net, np.arange(7))
    for at, name in enumerate(net.used_genes):
        np.testing.assert_allclose(net.score(batch, Target("gene", name)).numpy(), wanted[:, at], rtol=1e-10)


def test_a_gene_never_sees_itself_and_others_do(net: GrnModel, x_cg: torch.Tensor) -> None:
    before = net.predict(x_cg)
    for at, gene in enumerate(net.network.used.tolist()):
        other_cg = x_cg.clone()
        other_cg[:, gene] += 5.0
        moved_g = (net.predict(other_cg) - before).abs().amax(dim=0)
        assert moved_g[at] < 1e-12, "its own value reaches its prediction"
        assert (np.delete(moved_g.numpy(), at) > 1e-6).all()
    still = x_cg.clone()
    still[:, net.genes.index("still")] += 5.0
    assert torch.equal(net.predict(still), before)


def test_its_own_attribution_is_zero(dataset: Dataset, bundle: Bundle) -> None:
    from glasscell.explain.explain import explain
    from glasscell.explain.request import ExplainRequest

    cells = np.arange(5, dtype=np.int32)
    request = ExplainRequest("integrated_gradients", "gene:b", cells, "mean", {"steps": 16}, evidence=False)
    found = explain(dataset, bundle, request)
    assert np.array_equal(found.gene("b")[:5], np.zeros(5)), "by structure, not by training"
    assert np.array_equal(found.gene("still")[:5], np.zeros(5))
    assert (np.abs(found.gene("a")[:5]) > 0).all()


def test_slopes_are_those_of_torch(
    net: GrnModel, x_cg: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = net.network

    def one_cell(standard_g: torch.Tensor) -> torch.Tensor:
        return network(standard_g[None])[0]

    standard_cg = network.standard(x_cg)
    slope_cgr = torch.func.vmap(torch.func.jacrev(one_cell))(standard_cg)[:, :, network.sources]
    np.testing.assert_allclose(net.mean_influence(x_cg).numpy(), slope_cgr.mean(dim=0).numpy(), atol=1e-12)
    for r, regulator in enumerate(net.regulators):
        for g, gene in enumerate(net.used_genes):
            ours = net.influence(x_cg, regulator, gene)
            np.testing.assert_allclose(ours.numpy(), slope_cgr[:, g, r].numpy(), atol=1e-12)
    whole = net.mean_influence(x_cg)
    monkeypatch.setattr(published, "BLOCK_NUMBERS", 2 * network.out.weight.numel())
    np.testing.assert_allclose(net.mean_influence(x_cg).numpy(), whole.numpy(), atol=1e-14)


def test_signs_and_strangers(net: GrnModel, bundle: Bundle) -> None:
    parts = net.parts()
    weight_gr, place = parts["influence"], {name: at for at, name in enumerate(parts["genes"])}
    assert weight_gr[place["b"], place["a"]] > 0.3
    assert weight_gr[place["c"], place["b"]] < -0.5
    near = abs(weight_gr[place["c"], place["b"]])
    assert abs(weight_gr[place["c"], place["a"]]) < 0.5 * near, "a acts on c through b alone"
    strangers = [abs(weight_gr[place[one], place[two]]) for one in "de" for two in "abc"]
    assert max(strangers) < 0.2
    assert "still" not in place
    assert not weight_gr.flags.writeable
    figures = {name: values[LEFT] for name, values in bundle.figures.items()}
    assert list(figures) == ["grn", "straight lines", "gene mean"]
    assert figures["grn"] < 0.75 * figures["gene mean"]


def test_only_regulators_act(dataset: Dataset, tmp_path: Path) -> None:
    bundle = trained(dataset, regulators="A, d, absent", max_epochs=4)
    net: Any = bundle.folds[0]
    assert net.regulators == ("a", "d")
    assert "2 of 3 named regulators" in " ".join(bundle.notes)
    x_cg = make_batch(dataset, net, np.arange(9)).expression
    before = net.predict(x_cg)
    moved = x_cg.clone()
    moved[:, [1, 2, 4]] += 7.0
    assert torch.equal(net.predict(moved)[:, 0], before[:, 0])
    assert torch.allclose(net.predict(moved), before, atol=1e-5)
    with pytest.raises(NotCompatible, match="'b' is no regulator"):
        net.influence(x_cg, "b", "a")
    (tmp_path / "list.txt").write_text("# mine\na\n\nd\n")
    (tmp_path / "sets.gmt").write_text("ONE\tx\ta\td\nTWO\tx\td\n")
    assert read_regulators(str(tmp_path / "list.txt")) == ("a", "d")
    assert read_regulators(str(tmp_path / "sets.gmt")) == ("a", "d")
    assert read_regulators(" a d;a ") == ("a", "d")
    assert read_regulators("  ") == ()
    (tmp_path / "none.txt").write_text("# nothing\n")
    with pytest.raises(DataError, match="names no regulator"):
        read_regulators(str(tmp_path / "none.txt"))
    with pytest.raises(DataError, match="There is no file"):
        read_regulators(str(tmp_path / "absent.txt"))


def test_genes_are_chosen_by_spread_for_their_mean() -> None:
    rng = np.random.default_rng(0)
    mean_g = rng.uniform(1, 5, 100)
    sd_g = 0.2 * mean_g
    sd_g[[3, 50, 77]] *= 4
    sd_g[9] = 0.0
    genes = [f"g{at}" for at in range(100)]
    made = choose_genes(genes, mean_g, sd_g, 3)
    assert made.used.tolist() == [3, 50, 77]
    assert made.sources.tolist() == [0, 1, 2]
    assert "3 of 100 genes are used (the most variable ones)" in made.sentence
    assert "97 are left out" in made.sentence
    named = choose_genes(genes, mean_g, sd_g, 3, ["G60", "g9"])
    assert named.used.tolist() == [3, 50, 60, 77], "named regulators are always in"
    assert named.sources.tolist() == [2], "one that never varies is not"
    with pytest.raises(DataError, match="None of the 1 regulators"):
        choose_genes(genes, mean_g, sd_g, 3, ["g9"])
    with pytest.raises(DataError, match="2 genes vary"):
        choose_genes(genes[:2], mean_g[:2], sd_g[:2], 3)


def test_inputs_are_hidden_in_training_only() -> None:
    hide, ones = HiddenInputs(0.3), torch.ones(200, 50)
    seed_noise(hide, 0, torch.device("cpu"))
    assert abs(float((hide(ones) == 0).double().mean()) - 0.3) < 0.02
    assert torch.equal(hide.eval()(ones), ones)


def test_straight_lines_are_ridge_regressions() -> None:
    rng = np.random.default_rng(1)
    table = rng.normal(size=(200, 5)) @ rng.normal(size=(5, 5))
    sources = np.array([0, 2, 3])
    found_rg = straight_lines(table, sources)
    for gene in range(5):
        others = [source for source in sources if source != gene]
        x_cr = table[:, others]
        slope_r = np.linalg.solve(
            x_cr.T @ x_cr + 0.05 * len(table) * np.eye(len(others)), x_cr.T @ table[:, gene]
        )
        wanted = np.zeros(3)
        wanted[[list(sources).index(source) for source in others]] = slope_r
        np.testing.assert_allclose(found_rg[:, gene], wanted, atol=1e-10)


def test_influence_is_a_colour(dataset: Dataset, bundle: Bundle) -> None:
    context = SimpleNamespace(dataset=dataset, bundle=lambda name: bundle)
    values = resolve_influence(context, ChannelRef.make("influence", "c", model=bundle.id, regulator="b"))
    assert values.values is not None
    assert values.centre == 0
    assert float(values.values.mean()) < -0.5
    assert "Spearman -0.9" in values.note
    with pytest.raises(NotCompatible, match="'still' is no used gene"):
        influence_of_cells(bundle, dataset, "a", "still")
    pairs = list(listed_pairs(bundle.folds[0], 4))
    assert len(pairs) == 4
    assert set(pairs) <= {("a", "b"), ("b", "a"), ("b", "c"), ("c", "b"), ("a", "c"), ("c", "a")}


def test_impostors_have_nothing_to_go_by(dataset: Dataset) -> None:
    """Each gene dealt out anew, and the twin that is trained on such: nothing is foretold."""
    values = np.array(dataset.adata.X)
    rng = np.random.default_rng(5)
    dealt = Dataset(ad.AnnData(np.stack([rng.permutation(one) for one in values.T], axis=1)))
    figures = trained(dealt).figures
    assert figures["grn"][LEFT] > 0.9 * figures["gene mean"][LEFT]
    bundle = fit_twin(trained(dataset), dataset, FitRequest(family="grn", seed=0, device="cpu"))
    own, twin = bundle.folds[0], bundle.twin
    assert twin is not None
    assert twin.targets() == own.targets(), "a twin answers for the same genes"
    sizes = [float(np.abs(one.parts()["influence"]).max()) for one in (own, twin)]  # type: ignore[attr-defined]
    assert sizes[1] < 0.4 * sizes[0]


def test_preflight_says_what_is_used(dataset: Dataset) -> None:
    (line,) = [line for line in check("grn", dataset).lines if line.name == "used genes"]
    assert line.sentence == "All 6 genes are used, as far as they vary."
    wide = Dataset(ad.AnnData(np.zeros((60, 700), np.float32)))
    (line,) = [line for line in check("grn", wide).lines if line.name == "used genes"]
    assert "Of 700 genes the 500 most variable are used" in line.sentence
    few = Dataset(ad.AnnData(np.zeros((60, 2), np.float32)))
    assert not check("grn", few)
