"""VELOVI of scvi-tools: latents and velocities equal its own, and point where simulated cells go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.scvi_warnings import SCVI_WARNINGS

from glasscell.data.channel import ChannelRef, resolve_channel
from glasscell.data.column import DataContext
from glasscell.data.dataset import Dataset
from glasscell.data.modality import RNA, UNSPLICED
from glasscell.data.splicing import join_splicing
from glasscell.errors import DataError, NotCompatible
from glasscell.explain import ExplainRequest, FactoredAttribution, explain
from glasscell.explain.modality_share import noted_shares
from glasscell.models.batch import make_batch
from glasscell.models.bundle_file import load_bundle, save_bundle
from glasscell.models.fit import FitRequest, fit
from glasscell.models.preflight import check
from glasscell.models.scvi import train_velocity
from glasscell.models.scvi.params import VelocityParams
from glasscell.models.target import Target
from glasscell.session import resolve  # noqa: F401 - makes the channels of models known
from glasscell.testing.check import check_model
from glasscell.testing.planted import planted_dataset
from glasscell.testing.splicing import SplicedCells, make_spliced_cells

pytest.importorskip("scvi", reason="needs scvi-tools: pip install 'glasscell[scvi]'")

pytestmark = SCVI_WARNINGS
FAST = VelocityParams(n_latent=4, n_hidden=16, max_epochs=5, batch_size=64)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Moments in mixed columns, one gene without unspliced RNA and one that never varies."""
    joined = join_splicing(make_spliced_cells(200, 8, n_still=4).adata, neighbours=20)
    table = joined.X.toarray()
    table[:, 3] = 1.0
    joined.X = table
    order = np.random.default_rng(0).permutation(np.delete(np.arange(24), 12 + 5))
    return Dataset(joined[:, order].copy())


@pytest.fixture(scope="module")
def trained(dataset: Dataset) -> tuple[Any, Any]:
    """Return our bundle and the model of scvi-tools it was made of."""
    kept, run = [], train_velocity.run
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_velocity, "run", lambda model, *rest: (run(model, *rest), kept.append(model))[0])
        return fit(dataset, FitRequest(family="velovi", params=FAST, device="cpu")), kept[0]


def test_latents_equal_those_of_scvi_tools(dataset: Dataset, trained: tuple[Any, Any]) -> None:
    bundle, theirs = trained
    latent_cz, rows = theirs.get_latent_representation(), theirs.adata.obs_names.astype(int).to_numpy()
    assert sorted(rows) == np.flatnonzero(bundle.cells.fold != 0).tolist()
    gap = np.abs(bundle.cells.latent_cz[rows] - latent_cz).max() / np.abs(latent_cz).max()
    print(f"\nVELOVI: latents differ from scvi-tools' own by at most {gap:.1e} of their largest value")
    assert gap <= 1e-5
    assert np.abs(bundle.cells.latent_cz[rows[::-1]] - latent_cz).max() > 1e-3 * np.abs(latent_cz).max()
    net = bundle.folds[0]
    assert "gene3" not in net.moving, "it never varies"
    assert "gene5" not in net.moving, "it has no unspliced RNA"
    assert len(net.moving) == 10
    check_model(net, make_batch(dataset, net, np.arange(12)))
    weight_hg, _ = net.first(make_batch(dataset, net, np.arange(4)))
    read = [name for name, used in zip(net.genes, weight_hg.any(dim=0).tolist(), strict=True) if used]
    assert set(read) == {*net.moving, *(f"{gene} unspliced" for gene in net.moving)}


def test_velocities_are_those_of_scvi_tools(dataset: Dataset, trained: tuple[Any, Any]) -> None:
    """By the formula with its own network's parts, and close to the mean of many of its draws."""
    bundle, theirs = trained
    net, module, rows = bundle.folds[0], theirs.module, theirs.adata.obs_names.astype(int).to_numpy()
    batch = make_batch(dataset, net, rows)
    with torch.no_grad():
        velocity_cp = net.velocity(batch).numpy()
        amount, rho, tau = module.decoder(net.encode(batch))
        gamma, beta, alpha, alpha_1, rate = module._get_rates()
        switch = torch.nn.functional.softplus(module.switch_time_unconstr)
        start = module._get_induction_unspliced_spliced(alpha, alpha_1, rate, beta, gamma, switch)
        up = module._get_induction_unspliced_spliced(alpha, alpha_1, rate, beta, gamma, switch * rho)
        down = module._get_repression_unspliced_spliced(*start, beta, gamma, (20 - switch) * tau)
        share = amount / amount.sum(dim=-1, keepdim=True)
        wanted = share[..., 0] * (beta * up[0] - gamma * up[1])
        wanted = wanted + share[..., 2] * (beta * down[0] - gamma * down[1])
    spliced_cp = dataset.expression_cg("stored").toarray()[rows][:, [net.genes.index(g) for g in net.moving]]
    scaled_cp = theirs.adata.layers["spliced"]
    span_p = np.ptp(spliced_cp, axis=0) / np.ptp(scaled_cp, axis=0)
    np.testing.assert_allclose(velocity_cp, wanted.numpy() * span_p, rtol=1e-4, atol=1e-5 * span_p.max())
    torch.manual_seed(0)
    drawn_cp = theirs.get_velocity(n_samples=200, return_numpy=True, clip=False)
    rho_p = [np.corrcoef(drawn_cp[:, p], velocity_cp[:, p])[0, 1] for p in range(10)]
    print(f"\nVELOVI: correlation with the mean of 200 draws of get_velocity at least {min(rho_p):.3f}")
    assert min(rho_p) > 0.6
    assert max(abs(np.corrcoef(drawn_cp[::-1, p], velocity_cp[:, p])[0, 1]) for p in range(10)) < min(rho_p)


def test_it_is_saved_and_explained(dataset: Dataset, trained: tuple[Any, Any], tmp_path: Path) -> None:
    bundle, _ = trained
    again = load_bundle(save_bundle(bundle, tmp_path))
    batch = make_batch(dataset, bundle.folds[0], np.arange(20))
    for text in ("latent:1", "velocity:gene2"):
        target = Target(*text.split(":"))
        assert torch.equal(again.folds[0].score(batch, target), bundle.folds[0].score(batch, target))
        result = explain(dataset, again, ExplainRequest(target=text, baseline="mean"))
        assert isinstance(result, FactoredAttribution)
        assert result.completeness_gap < 0.05
        shares = noted_shares(result)
        assert set(shares) == {RNA, UNSPLICED}
        assert min(shares.values()) > 0.05


def test_a_velocity_is_a_colour(dataset: Dataset, trained: tuple[Any, Any]) -> None:
    bundle, _ = trained
    context = DataContext(dataset, bundles={bundle.id: bundle})
    values = resolve_channel(context, ChannelRef.make("velocity", "gene2", model=bundle.id))
    net = bundle.folds[0]
    with torch.no_grad():
        wanted = net.velocity(make_batch(dataset, net, np.arange(200)))[:, net.moving.index("gene2")]
    np.testing.assert_allclose(values.values, wanted.numpy(), rtol=1e-5, atol=1e-6)
    assert values.centre == 0
    assert "not measured" in values.note
    with pytest.raises(DataError, match="no velocity of gene3"):
        resolve_channel(context, ChannelRef.make("velocity", "gene3", model=bundle.id))


def test_what_it_cannot_do_without_is_said_in_a_sentence(dataset: Dataset) -> None:
    plain = planted_dataset(n_cells=120, n_genes=20)
    with pytest.raises(NotCompatible, match=r"no unspliced RNA.*join_splicing"):
        fit(plain, FitRequest(family="velovi", params=FAST, device="cpu"))
    assert any("unspliced" in reason for reason in check("velovi", plain).reasons)
    assert check("velovi", dataset)
    odd = dataset.adata.copy()
    odd.var_names = [name.replace(" unspliced", " nascent") for name in odd.var_names]
    with pytest.raises(NotCompatible, match="GENE unspliced"):
        fit(Dataset(odd), FitRequest(family="velovi", params=FAST, device="cpu"))
    counts = Dataset(join_splicing(make_spliced_cells(120, 6).adata, neighbours=0))
    bundle = fit(counts, FitRequest(family="velovi", params=FAST, device="cpu"))
    assert any("moments made by join_splicing tell more" in note for note in bundle.notes)


@pytest.mark.slow
def test_velocities_point_where_simulated_cells_go() -> None:
    """Held-out cells; not so where the unspliced RNA is that of other genes, or of other cells."""
    made = make_spliced_cells(500, 40, seed=1)
    rng = np.random.default_rng(0)
    unspliced = made.adata.layers["unspliced"].toarray()
    tables = {"real": unspliced, "of other genes": unspliced.copy(), "of other cells": unspliced.copy()}
    tables["of other genes"][:, :40] = unspliced[:, rng.permutation(40)]
    tables["of other cells"][:, :40] = rng.permuted(unspliced[:, :40], axis=0)
    found = {name: _signs(made, table) for name, table in tables.items()}
    for name, (right, steady, still) in found.items():
        print(f"\nVELOVI, unspliced RNA {name}: sign right {right:.2f}, by the steady state {steady:.2f}")
        print(f"VELOVI, unspliced RNA {name}: genes at rest {still:.2f} of the velocity of those that move")
    assert found["real"][0] > 0.85
    assert found["real"][0] > found["of other genes"][0] + 0.2
    assert found["real"][0] > found["of other cells"][0] + 0.2


def _signs(made: SplicedCells, unspliced: np.ndarray) -> tuple[float, float, float]:
    """Return how often the sign is right, by the model and by a line through the steady state.

    The third is the mean size of velocities of genes at rest over that of the others.
    """
    adata = made.adata.copy()
    adata.layers["unspliced"] = unspliced
    dataset = Dataset(join_splicing(adata))
    bundle = fit(dataset, FitRequest(family="velovi", params=VelocityParams(max_epochs=150), device="cpu"))
    net: Any = bundle.folds[0]
    held_out = np.flatnonzero(bundle.cells.fold == 0)
    with torch.no_grad():
        velocity_cp = net.velocity(make_batch(dataset, net, held_out)).numpy()
    moving = [name for name in made.adata.var_names[:40] if name in net.moving]
    columns = [list(made.adata.var_names).index(name) for name in moving]
    true_cg = made.velocity_cg[:, columns]
    clear = (np.abs(true_cg) > 0.1 * np.abs(true_cg).max(axis=0))[held_out]
    known = [net.moving.index(name) for name in moving]
    right = np.sign(velocity_cp[:, known]) == np.sign(true_cg[held_out])
    size_p = np.abs(velocity_cp).mean(axis=0)
    still = np.delete(size_p, known).mean() / size_p[known].mean()
    table = dataset.expression_cg("stored").toarray().astype(np.float64)
    spliced, nascent = table[:, columns], table[:, [80 + column for column in columns]]
    high = spliced >= np.quantile(spliced, 0.95, axis=0)
    slope = (nascent * high).sum(axis=0) / (spliced * high).sum(axis=0)
    steady = np.sign(nascent - slope * spliced)[held_out] == np.sign(true_cg[held_out])
    return float(right[clear].mean()), float(steady[clear].mean()), float(still)
