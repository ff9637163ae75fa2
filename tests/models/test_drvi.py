"""DRVI of scvi-tools: greyed where there is none, else equal to scvi-tools' own, opened or trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.scvi_warnings import SCVI_WARNINGS

from glasscell.data.dataset import Dataset
from glasscell.data.labels import read_labels
from glasscell.errors import NotCompatible
from glasscell.explain import ExplainRequest, FactoredAttribution, explain
from glasscell.explain.traversal import TraverseRequest, traverse
from glasscell.models.batch import make_batch
from glasscell.models.bundle_file import load_bundle, save_bundle
from glasscell.models.fit import FitRequest, fit
from glasscell.models.registry import family
from glasscell.models.scvi import network, train
from glasscell.models.scvi.opening import load_scvi
from glasscell.models.scvi.params import DrviParams
from glasscell.testing.check import check_model
from glasscell.testing.planted import planted_adata
from glasscell.views.family_choice import family_rows

pytest.importorskip("scvi", reason="needs scvi-tools: pip install 'glasscell[scvi]'")

pytestmark = SCVI_WARNINGS
FAST = DrviParams(n_latent=4, n_hidden=16, max_epochs=3, batch_size=64)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    made = planted_adata(n_cells=240, n_genes=40, seed=7)
    made.obs["chip"] = np.array(["one", "two"])[np.random.default_rng(0).integers(0, 2, 240)]
    made.obs["chip"] = made.obs["chip"].astype("category")
    return Dataset(made)


@pytest.fixture(scope="module")
def trained(dataset: Dataset) -> tuple[Any, Any]:
    """Return our bundle and the model of scvi-tools it was made of; skip where scvi-tools has no DRVI."""
    absent = network.why_no_scvi("DRVI")
    if absent:
        pytest.skip(absent)
    kept, run = [], train.run
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "run", lambda model, *rest: (run(model, *rest), kept.append(model))[0])
        asked = FitRequest(
            family="drvi", params=FAST, device="cpu", batch=read_labels(dataset, "chip"), seed=2
        )
        return fit(dataset, asked), kept[0]


def test_a_version_without_it_is_told_in_one_sentence(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        network, "MODULES", {**network.MODULES, "DRVI": "scvi.external.not_in_this_version:DRVIModule"}
    )
    one: Any = family("drvi")
    assert "needs scvi-tools 1.5" in one.why_not
    row = next(row for row in family_rows() if row.key == "drvi")
    assert row.why_not == one.why_not
    assert next(row for row in family_rows() if row.key == "scvi").why_not == ""
    with pytest.raises(NotCompatible, match=r"needs scvi-tools 1\.5"):
        fit(dataset, FitRequest(family="drvi", params=FAST, device="cpu"))


def test_latents_and_decoding_equal_those_of_scvi_tools(dataset: Dataset, trained: tuple[Any, Any]) -> None:
    bundle, theirs = trained
    rows = [int(name) for name in theirs.adata.obs_names]
    latent_cz = theirs.get_latent_representation()
    gap = np.abs(bundle.cells.latent_cz[rows] - latent_cz).max() / np.abs(latent_cz).max()
    print(f"\nDRVI: latents differ from scvi-tools' own by at most {gap:.1e} of their largest value")
    assert gap <= 1e-5
    assert np.abs(bundle.cells.latent_cz[rows[::-1]] - latent_cz).max() > 1e-3 * np.abs(latent_cz).max()
    net = bundle.folds[0]
    batch = make_batch(dataset, net, np.arange(9))
    check_model(net, batch)
    latent = net.encode(batch)
    with torch.no_grad():
        made = theirs.module.cpu().generative(latent, torch.zeros(9, 1), batch.batch[:, None])
    torch.testing.assert_close(net.decode(latent, batch), made["px"].scale)


def test_it_is_saved_explained_and_traversed(
    dataset: Dataset, trained: tuple[Any, Any], tmp_path: Path
) -> None:
    bundle, _ = trained
    again = load_bundle(save_bundle(bundle, tmp_path))
    target = bundle.folds[0].targets()[0]
    batch = make_batch(dataset, bundle.folds[0], np.arange(20))
    assert torch.equal(again.folds[0].score(batch, target), bundle.folds[0].score(batch, target))
    result = explain(dataset, again, ExplainRequest(target=str(target), baseline="depth_matched"))
    assert isinstance(result, FactoredAttribution)
    assert result.completeness_gap < 0.05
    start = np.arange(dataset.n_cells) < 50
    assert traverse(dataset, again, TraverseRequest(start, "some", sample=16, nearest=3)).names[-1] == "3"


def test_one_that_scvi_tools_saved_is_opened(
    dataset: Dataset, trained: tuple[Any, Any], tmp_path: Path
) -> None:
    """Its network has a width of its own where none is asked for, which is not that of the class."""
    import scvi

    del trained  # only where there is a DRVI
    table = dataset.adata.copy()
    scvi.external.DRVI.setup_anndata(table, batch_key="chip")
    theirs = scvi.external.DRVI(table, n_latent=6, n_split_latent=3, encode_covariates=True)
    theirs.train(max_epochs=2, accelerator="cpu", enable_progress_bar=False)
    theirs.save(str(tmp_path / "saved"))
    bundle = load_scvi(tmp_path / "saved", dataset)
    assert bundle.family == "drvi"
    latent_cz = theirs.get_latent_representation()
    assert bundle.cells.latent_cz is not None
    assert np.abs(bundle.cells.latent_cz - latent_cz).max() <= 1e-5 * np.abs(latent_cz).max()
