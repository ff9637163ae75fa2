"""Models of scvi-tools: opened without running the file, equal to its own, saved and explained like ours."""

from __future__ import annotations

import collections
import pickle
import random
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pytest
import torch
from tests.scvi_warnings import SCVI_WARNINGS

from glasscell.data.dataset import Dataset
from glasscell.data.labels import read_labels
from glasscell.data.split import split
from glasscell.errors import ModelError, NotCompatible
from glasscell.explain import ExplainRequest, FactoredAttribution, explain
from glasscell.models.apply import apply
from glasscell.models.batch import make_batch
from glasscell.models.bundle_file import load_bundle, save_bundle
from glasscell.models.capability.classification import Classifies
from glasscell.models.capability.first_linear import FirstLinear
from glasscell.models.capability.latent import Decodes, Encodes
from glasscell.models.capability.structure import Structured
from glasscell.models.capability.technical_batch import UsesBatch
from glasscell.models.fit import FitRequest, fit, fit_twin
from glasscell.models.registry import family
from glasscell.models.scvi.family import ScviParams
from glasscell.models.scvi.file import what_it_runs
from glasscell.models.scvi.model import ScviModel
from glasscell.models.scvi.network import import_scvi
from glasscell.models.scvi.opening import load_scvi
from glasscell.testing.check import check_model
from glasscell.testing.planted import planted_adata

pytest.importorskip("scvi", reason="needs scvi-tools: pip install 'glasscell[scvi]'")

pytestmark = SCVI_WARNINGS
KINDS = ("SCVI", "SCANVI", "LinearSCVI")
FAST = ScviParams(n_hidden=16, n_latent=4, max_epochs=3, label_epochs=3)
Saved = dict[str, tuple[Path, Any]]


def random_states() -> tuple[Any, ...]:
    numpy_state = np.random.get_state()  # noqa: NPY002
    return torch.get_rng_state().tolist(), numpy_state[1].tolist(), numpy_state[2], random.getstate()


@pytest.fixture(scope="module")
def adata() -> ad.AnnData:
    made = planted_adata(n_cells=240, n_genes=40, n_sections=1, seed=7)
    made.obs["chip"] = np.array(["one", "two"])[np.random.default_rng(0).integers(0, 2, 240)]
    made.obs["chip"] = made.obs["chip"].astype("category")
    return made


@pytest.fixture(scope="module")
def dataset(adata: ad.AnnData) -> Dataset:
    return Dataset(adata.copy())


@pytest.fixture(scope="module")
def saved(adata: ad.AnnData, tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """Train one of each kind with scvi-tools itself, and let it save them."""
    scvi = import_scvi()
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    how = {"max_epochs": 3, "accelerator": "cpu", "enable_progress_bar": False}
    folder = tmp_path_factory.mktemp("scvi")
    made: dict[str, Any] = {}
    counted = adata.copy()
    scvi.model.SCVI.setup_anndata(counted, batch_key="chip", labels_key="label")
    made["SCVI"] = scvi.model.SCVI(counted, n_layers=2, n_hidden=16, encode_covariates=True)
    made["SCVI"].train(**how)
    made["SCANVI"] = scvi.model.SCANVI.from_scvi_model(made["SCVI"], "unknown")
    made["SCANVI"].train(**how)
    linear = adata.copy()
    scvi.model.LinearSCVI.setup_anndata(linear, batch_key="chip")
    made["LinearSCVI"] = scvi.model.LinearSCVI(linear, n_latent=4, n_hidden=16)
    made["LinearSCVI"].train(**how)
    for kind, model in made.items():
        model.save(str(folder / kind))
    return {kind: (folder / kind, model) for kind, model in made.items()}


@pytest.mark.acceptance
@pytest.mark.parametrize("kind", KINDS)
def test_latents_equal_those_of_scvi_tools(kind: str, saved: Saved, dataset: Dataset) -> None:
    folder, theirs = saved[kind]
    before = random_states()
    bundle = load_scvi(folder, dataset)
    assert random_states() == before
    latent_cz = theirs.get_latent_representation()
    assert bundle.cells.latent_cz is not None
    gap = float(np.abs(bundle.cells.latent_cz - latent_cz).max() / np.abs(latent_cz).max())
    print(f"\n{kind}: latents differ from scvi-tools' own by at most {gap:.1e} of their largest value")
    assert gap <= 1e-5
    net = bundle.folds[0]
    for protocol in (Encodes, Decodes, FirstLinear, UsesBatch):
        assert isinstance(net, protocol)
    assert isinstance(net, Classifies) == (kind == "SCANVI")
    check_model(net, make_batch(dataset, net, np.arange(12)))
    impostor = np.roll(latent_cz, 1, axis=0)
    assert np.abs(bundle.cells.latent_cz - impostor).max() > 1e-3 * np.abs(latent_cz).max()


def test_classes_loadings_and_decoding_equal_those_of_scvi_tools(saved: Saved, dataset: Dataset) -> None:
    folder, theirs = saved["SCANVI"]
    bundle = load_scvi(folder, dataset)
    soft = theirs.predict(soft=True)
    assert list(soft.columns) == list(bundle.classes)
    np.testing.assert_allclose(bundle.cells.probabilities_ck, soft.to_numpy(), atol=1e-5)
    assert set(np.flatnonzero(bundle.cells.fold == 0)) == set(theirs.validation_indices)
    assert bundle.metrics is not None
    assert bundle.metrics.n_cells == len(theirs.validation_indices)
    assert {"majority", "logistic"} <= set(bundle.baselines)
    folder, theirs = saved["LinearSCVI"]
    linear = load_scvi(folder, dataset).folds[0]
    assert isinstance(linear, Structured)
    np.testing.assert_array_equal(linear.parts()["loadings"], theirs.get_loadings().to_numpy())
    for kind in ("SCVI", "LinearSCVI"):
        theirs = saved[kind][1]
        net = load_scvi(saved[kind][0], dataset).folds[0]
        assert isinstance(net, ScviModel)
        batch = make_batch(dataset, net, np.arange(9))
        latent_cz = net.encode(batch)
        share_cg = net.decode(latent_cz, batch)
        assert batch.batch is not None
        with torch.no_grad():
            made = theirs.module.generative(latent_cz, torch.zeros(9, 1), batch.batch[:, None])
        torch.testing.assert_close(share_cg, made["px"].scale)
        torch.testing.assert_close(share_cg.sum(1), torch.ones(9))


@pytest.mark.parametrize("kind", KINDS)
def test_a_bundle_of_it_scores_the_same_and_is_explained(
    kind: str, saved: Saved, dataset: Dataset, tmp_path: Path
) -> None:
    bundle = load_scvi(saved[kind][0], dataset)
    again = load_bundle(save_bundle(bundle, tmp_path))
    assert sorted(one.suffix for one in tmp_path.iterdir()) == [".csv", ".json", ".safetensors"]
    assert again.fingerprint == bundle.fingerprint
    target = bundle.folds[0].targets()[0]
    batch = make_batch(dataset, bundle.folds[0], np.arange(20))
    assert torch.equal(again.folds[0].score(batch, target), bundle.folds[0].score(batch, target))
    result = explain(dataset, again, ExplainRequest(target=str(target), baseline="depth_matched"))
    assert isinstance(result, FactoredAttribution)
    assert result.completeness_gap < 0.02
    assert len(result.baselines_bg) > 1


def test_a_file_that_would_run_code_is_not_opened(saved: Saved, dataset: Dataset, tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "ran",)

    parts = torch.load(saved["SCVI"][0] / "model.pt", weights_only=False)
    parts["attr_dict"]["more"] = Harm()
    torch.save(parts, tmp_path / "model.pt")
    with pytest.raises(ModelError, match="could run code: it is not opened"):
        load_scvi(tmp_path, dataset)
    (tmp_path / "model.pt").write_bytes(pickle.dumps({"attr_dict": Harm()}))
    with pytest.raises(ModelError):
        load_scvi(tmp_path, dataset)
    (tmp_path / "model.pt").write_bytes(b"not a model")
    with pytest.raises(ModelError, match="damaged"):
        load_scvi(tmp_path, dataset)
    assert not (tmp_path / "ran").exists()


def test_what_does_not_fit_is_said_in_a_sentence(saved: Saved, dataset: Dataset, tmp_path: Path) -> None:
    folder = saved["SCVI"][0]
    assert "nothing in the file is run" in what_it_runs(folder)
    assert "scvi-tools" in what_it_runs(folder)
    with pytest.raises(ModelError, match=r"no model saved by scvi-tools"):
        load_scvi(tmp_path, dataset)
    with pytest.raises(ModelError, match="There is no folder"):
        load_scvi(tmp_path / "nowhere", dataset)
    other = planted_adata(n_cells=60, n_genes=30, seed=1)
    with pytest.raises(NotCompatible, match="lacks"):
        load_scvi(folder, Dataset(other))
    parts = torch.load(folder / "model.pt", weights_only=False)
    parts["attr_dict"]["registry_"]["model_name"] = "TOTALVI"
    torch.save(parts, tmp_path / "model.pt")
    with pytest.raises(NotCompatible, match="TOTALVI"):
        load_scvi(tmp_path, dataset)
    parts["attr_dict"]["registry_"]["model_name"] = "SCVI"
    parts["attr_dict"]["init_params_"]["non_kwargs"]["n_hidden"] = 17
    torch.save(parts, tmp_path / "model.pt")
    with pytest.raises(ModelError, match="does not fit scvi-tools"):
        load_scvi(tmp_path, dataset)


@pytest.mark.parametrize("key", ["scvi", "scanvi", "linear_scvi"])
def test_scvi_tools_trains_it_here(key: str, dataset: Dataset, tmp_path: Path) -> None:
    labels = read_labels(dataset, "label") if key == "scanvi" else None
    folds = split(dataset, "random", n_folds=2, seed=0, labels=labels) if labels else None
    batch = read_labels(dataset, "chip")
    request = FitRequest(labels, folds, key, FAST, seed=4, device="cpu", batch=batch)
    before = random_states()
    bundle = fit(dataset, request)
    assert random_states() == before
    net = bundle.folds[0]
    assert isinstance(net, UsesBatch)
    assert (net.batch_column, net.batches) == ("chip", batch.classes)
    assert len(bundle.curves[0].train_loss) == 3
    check_model(net, make_batch(dataset, net, np.arange(12)))
    assert load_bundle(save_bundle(bundle, tmp_path)).fingerprint == bundle.fingerprint
    if key == "scanvi":
        assert labels is not None
        assert bundle.classes == labels.classes
        assert not bundle.calibrated
        assert fit_twin(bundle, dataset, request).twin is not None
    else:
        assert fit(dataset, request).fingerprint == bundle.fingerprint
        assert bundle.cells.latent_cz is not None


def test_training_is_cancelled_between_steps(dataset: Dataset) -> None:
    class StopError(Exception):
        pass

    class Job:
        seen = 0

        def report(self, fraction: float | None, text: str = "", **_: float) -> None:
            self.seen += text.startswith("fold 1 of 1, epoch")
            if self.seen > 2:
                raise StopError

    before = random_states()
    with pytest.raises(StopError):
        fit(dataset, FitRequest(family="scvi", params=FAST, device="cpu"), Job())
    assert random_states() == before


def test_it_is_greyed_with_the_reason_when_scvi_tools_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    import glasscell.models.scvi.base_family as module

    one: Any = family("scvi")
    assert one.why_not == ""
    monkeypatch.setattr(module, "why_no_scvi", lambda kind: "scvi-tools is not installed: pip install it")
    assert "not installed" in one.why_not


@pytest.mark.parametrize("kind", ["SCVI", "SCANVI"])
def test_an_opened_model_is_applied_to_another_sample(kind: str, dataset: Dataset, saved: Saved) -> None:
    bundle = load_scvi(saved[kind][0], dataset)
    other = Dataset(dataset.adata[::2, ::-1].copy())
    applied = apply(bundle, other)
    assert applied.match.n_present == 40
    mine = bundle.rows(other, np.arange(other.n_cells))
    if bundle.classes:
        np.testing.assert_allclose(applied.probabilities_ck, bundle.cells.probabilities_ck[mine], atol=1e-5)
    assert (applied.typicality_c < applied.level).mean() < 0.5


def test_what_other_packages_let_torch_read_does_not_matter(dataset: Dataset, saved: Saved) -> None:
    """torch-geometric lets collections.defaultdict in, which the restricted reader then cannot fill."""
    before = torch.serialization.get_safe_globals()
    torch.serialization.add_safe_globals([collections.defaultdict])
    try:
        load_scvi(saved["SCVI"][0], dataset)
        assert collections.defaultdict in torch.serialization.get_safe_globals()
    finally:
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(before)
