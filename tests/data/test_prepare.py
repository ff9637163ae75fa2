"""Preparation: everything a first look needs, the caller untouched, and empty cells survive."""

import json
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from scipy import sparse

from glasscell.data.dataset import Dataset
from glasscell.data.prepare import PrepareParams, prepare
from glasscell.data.read import read
from glasscell.data.sample import sample_path
from glasscell.data.transform import transform_expression, unit_variance
from glasscell.errors import DataError, JobCancelled
from glasscell.testing.planted import planted_adata, tiny_adata

SMALL = PrepareParams(n_components=8)


class Recorder:
    """Keeps what a job was told, and cancels when it hears a word."""

    def __init__(self, stop_at: str = "nothing") -> None:
        self.stop_at = stop_at
        self.said: list[tuple[float | None, str]] = []

    def report(self, fraction: float | None, text: str = "", **metrics: float) -> None:
        self.said.append((fraction, text))
        if text == self.stop_at:
            raise JobCancelled("stopped")


def make_table() -> anndata.AnnData:
    adata = planted_adata(n_cells=160, n_genes=40, n_sections=2)
    adata.var_names = [f"MT-{i}" if i < 3 else name for i, name in enumerate(adata.var_names)]
    counts = adata.X.toarray()
    counts[5] = 0
    counts[77] = 0
    adata.X = sparse.csr_matrix(counts)
    adata.obs["leiden"] = "mine"
    adata.obsm["X_umap"] = np.ones((160, 2), np.float32)
    return adata


@pytest.fixture(scope="module")
def made() -> tuple[anndata.AnnData, anndata.AnnData, Dataset, Recorder]:
    adata = make_table()
    before, recorder = adata.copy(), Recorder()
    return before, adata, prepare(Dataset(adata), SMALL, recorder), recorder


def test_a_first_look_has_all_it_needs(made: tuple) -> None:
    _, adata, result, _ = made
    assert list(result.embeddings)[:1] == ["X_umap"]
    assert result.embeddings["X_pca"].shape == (160, 8)
    counts = adata.X.toarray()
    np.testing.assert_allclose(result.obs["total_counts"], counts.sum(axis=1))
    np.testing.assert_array_equal(result.obs["n_genes_by_counts"], (counts > 0).sum(axis=1))
    share = 100 * counts[:, :3].sum(axis=1) / np.maximum(counts.sum(axis=1), 1)
    np.testing.assert_allclose(result.obs["pct_counts_mt"], share, rtol=1e-5)
    assert result.obs["leiden"].nunique() >= 2
    assert result.adata.var["highly_variable"].all()
    assert result.adata.obsp["connectivities"].shape == (160, 160)


def test_the_caller_keeps_its_table(made: tuple) -> None:
    before, adata, result, _ = made
    pd.testing.assert_frame_equal(adata.obs, before.obs)
    pd.testing.assert_frame_equal(adata.var, before.var)
    assert set(adata.obsm) == set(before.obsm)
    assert set(adata.uns) == set(before.uns)
    assert (adata.X != before.X).nnz == 0
    assert result.fingerprint == Dataset(before).fingerprint


def test_empty_cells_are_kept_and_flagged(made: tuple) -> None:
    *_, result, _ = made
    assert result.n_cells == 160
    np.testing.assert_array_equal(np.flatnonzero(result.obs["all_zero"]), [5, 77])
    for key in ("X_pca", "X_umap"):
        assert np.isfinite(result.adata.obsm[key]).all()
    assert result.obs["leiden"].notna().all()


def test_what_the_file_brought_is_set_aside_once(made: tuple) -> None:
    *_, result, _ = made
    assert (result.obs["leiden_stored"] == "mine").all()
    np.testing.assert_array_equal(result.adata.obsm["X_umap_stored"], 1)
    again = prepare(result, SMALL)
    assert (again.obs["leiden_stored"] == "mine").all()
    np.testing.assert_array_equal(again.adata.obsm["X_umap_stored"], 1)
    np.testing.assert_array_equal(again.adata.obsm["X_umap"], result.adata.obsm["X_umap"])
    assert (again.obs["leiden"] == result.obs["leiden"]).all()


def test_what_was_done_is_written_down_and_survives_saving(made: tuple, tmp_path: Path) -> None:
    *_, result, recorder = made
    done = result.adata.uns["glasscell"]["prepare"]
    assert json.loads(done["params"]) == SMALL.model_dump()
    assert done["transform"] == "lognorm"
    assert done["variable_genes"] == "all genes"
    assert done["data_fingerprint"] == result.fingerprint
    result.adata.write_h5ad(tmp_path / "prepared.h5ad")
    again = read(tmp_path / "prepared.h5ad")
    assert again.adata.uns["glasscell"]["prepare"]["params"] == done["params"]
    np.testing.assert_array_equal(again.embeddings["X_umap"], result.embeddings["X_umap"])
    fractions = [fraction for fraction, _ in recorder.said]
    assert fractions == sorted(fractions)
    assert {"principal components", "neighbours", "UMAP", "Leiden clusters"} <= {
        text for _, text in recorder.said
    }


def test_it_can_be_cancelled_between_steps() -> None:
    recorder = Recorder("neighbours")
    with pytest.raises(JobCancelled):
        prepare(Dataset(make_table()), SMALL, recorder)
    assert recorder.said[-1][1] == "neighbours"


def test_many_genes_are_narrowed_to_the_variable_ones() -> None:
    adata = planted_adata(n_cells=240, n_genes=1200, n_sections=2, depth=4000, n_markers=10)
    result = prepare(Dataset(adata), PrepareParams(n_variable_genes=150, n_components=5))
    done = result.adata.uns["glasscell"]["prepare"]
    assert done["variable_genes"] in ("seurat_v3 per section", "seurat per section")
    chosen = result.adata.var["highly_variable"].to_numpy()
    assert chosen.sum() == 150
    assert chosen[adata.varm["truth"].any(axis=1)].mean() > 0.9


def test_continuous_values_need_no_counts() -> None:
    adata = tiny_adata(n_cells=80)
    rng = np.random.default_rng(0)
    adata.X = rng.normal(size=adata.shape).astype(np.float32)
    adata.X[:, 0] = 0.5
    result = prepare(Dataset(adata), SMALL)
    assert result.adata.uns["glasscell"]["prepare"]["transform"] == "stored"
    assert "total_counts" not in result.obs
    assert np.isfinite(result.adata.obsm["X_pca"]).all()
    with pytest.raises(DataError, match="no counts to normalise"):
        prepare(Dataset(adata), PrepareParams(transform="lognorm"))


def test_the_transforms_are_what_they_say() -> None:
    adata = tiny_adata(n_cells=50)
    counts = adata.X.toarray().astype(np.float64)
    adata.obs["cell_area"] = np.linspace(50, 150, 50)
    dataset = Dataset(adata)
    raised = np.arcsinh(counts / 3)
    spread = raised.std(axis=0)
    expected = np.where(spread > 1e-8, (raised - raised.mean(axis=0)) / np.where(spread > 0, spread, 1), 0)
    found = transform_expression(dataset, "arcsinh_z", 3.0, "")
    np.testing.assert_allclose(found.values_cg, expected, atol=1e-4)
    area = adata.obs["cell_area"].to_numpy()
    expected = np.log1p(counts / area[:, None] * np.median(area))
    found = transform_expression(dataset, "area", 5.0, "")
    np.testing.assert_allclose(found.values_cg.toarray(), expected, rtol=1e-5)
    auto = transform_expression(dataset, "auto", 5.0, "")
    np.testing.assert_allclose(auto.values_cg.toarray(), dataset.expression_cg().toarray())
    intensities = tiny_adata(n_cells=50)
    intensities.X = np.random.default_rng(0).gamma(1, 40, size=intensities.shape).astype(np.float32)
    assert transform_expression(Dataset(intensities), "auto", 5.0, "").name == "arcsinh_z"
    constant = unit_variance(np.full((4, 2), 3.0, np.float32))
    np.testing.assert_array_equal(constant, 0)


def test_what_cannot_be_prepared_is_one_sentence() -> None:
    adata = tiny_adata(n_cells=40)
    dataset = Dataset(adata)
    with pytest.raises(DataError, match="area column"):
        transform_expression(dataset, "area", 5.0, "")
    with pytest.raises(DataError, match="no obs column"):
        transform_expression(dataset, "area", 5.0, "size")
    adata.obs["area"] = 0.0
    with pytest.raises(DataError, match="not a positive area"):
        transform_expression(Dataset(adata), "area", 5.0, "")
    with pytest.raises(DataError, match="too few to prepare"):
        prepare(Dataset(adata[:3].copy()), SMALL)
    bad = tiny_adata(n_cells=40)
    bad.X = bad.X.toarray()
    bad.X[3, 2] = np.nan
    with pytest.raises(DataError, match="NaN"):
        prepare(Dataset(bad), SMALL)


def test_settings_are_frozen_and_checked() -> None:
    with pytest.raises(ValidationError):
        PrepareParams(n_neighbors=0)
    with pytest.raises(ValidationError):
        SMALL.seed = 3
    with pytest.raises(ValidationError):
        PrepareParams(neighbours=3)
    for name, info in PrepareParams.model_fields.items():
        assert info.title, name
        assert info.description, name


@pytest.mark.parametrize("n_cells", [4, 6, 12])
def test_a_handful_of_cells_is_enough(n_cells: int) -> None:
    result = prepare(Dataset(tiny_adata(n_cells=n_cells)), PrepareParams())
    assert np.isfinite(result.adata.obsm["X_umap"]).all()


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize("name", ["dlpfc_151673.h5ad", "pbmc3k.h5ad", "mibitof_crc.sdata.zarr", "sample"])
def test_real_files_can_be_prepared(real_data: object, name: str) -> None:
    dataset = read(sample_path() if name == "sample" else real_data(name))
    stored = set(dataset.adata.obsm)
    result = prepare(dataset)
    assert np.isfinite(result.adata.obsm["X_umap"]).all()
    assert 3 <= result.obs["leiden"].nunique() <= 40
    assert set(dataset.adata.obsm) == stored
    assert result.fingerprint == dataset.fingerprint
    assert len(result.tissue.sections) == len(dataset.tissue.sections)
