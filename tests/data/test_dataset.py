"""The read-only view: expression, detection, overrides, problems."""

from collections.abc import Callable

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from glasscell.data.dataset import Dataset
from glasscell.errors import DataError

Make = Callable[..., anndata.AnnData]


def oracle_lognorm(counts: np.ndarray) -> np.ndarray:
    """log1p(count / total of the cell x median total of cells that have any), written out."""
    totals = counts.sum(axis=1)
    target = np.median(totals[totals > 0])
    out = np.zeros_like(counts, dtype=np.float64)
    for cell in range(counts.shape[0]):
        for gene in range(counts.shape[1]):
            if totals[cell] > 0:
                out[cell, gene] = np.log1p(counts[cell, gene] / totals[cell] * target)
    return out


@pytest.mark.parametrize("store", [np.asarray, sp.csr_matrix, sp.csc_matrix, sp.csr_array])
def test_lognorm_equals_its_definition(make_adata: Make, store: Callable) -> None:
    adata = make_adata()
    counts = adata.X.toarray()
    counts[3] = 0
    adata = make_adata(X=store(counts))
    dataset = Dataset(adata)
    wanted = oracle_lognorm(counts)
    np.testing.assert_allclose(dataset.expression_cg().toarray(), wanted, rtol=1e-5)
    assert dataset.expression_cg().dtype == np.float32
    for gene in range(dataset.n_genes):
        np.testing.assert_array_equal(dataset.gene_column(gene), dataset.expression_cg().toarray()[:, gene])
    np.testing.assert_array_equal(dataset.gene_column("G2", "counts"), counts[:, 2])
    np.testing.assert_array_equal(dataset.sizes_c, counts.sum(axis=1))
    assert dataset.expression_unit == "log1p of normalised counts"


def test_entries_stored_twice_are_added_up(make_adata: Make) -> None:
    twice = sp.csr_matrix((np.ones(4, np.float32), np.array([0, 0, 1, 1]), np.array([0, 2, 4])), shape=(2, 2))
    dataset = Dataset(anndata.AnnData(twice))
    np.testing.assert_array_equal(dataset.gene_column(0, "counts"), [2, 0])
    np.testing.assert_allclose(dataset.gene_column(0), [np.log1p(2), 0])
    np.testing.assert_allclose(dataset.expression_cg().toarray()[:, 0], [np.log1p(2), 0])
    assert twice.nnz == 4


def test_the_caller_s_table_is_not_changed(make_adata: Make) -> None:
    adata = make_adata()
    adata.obs["section"] = ["a"] * 15 + ["b"] * 15
    adata.obsm["spatial"] = np.random.default_rng(0).random((30, 2))
    before = adata.copy()
    dataset = Dataset(adata)
    assert dataset.report()
    assert dataset.fingerprint
    assert dataset.problems == ()
    assert len(dataset.gene_column("G1")) == dataset.expression_cg().shape[0]
    assert len(dataset.sections) == 2
    copy = dataset.editable()
    copy.obs["new"] = 1
    copy.obsm["X_umap"] = np.zeros((30, 2))
    copy.uns["note"] = "x"
    assert (adata.X != before.X).nnz == 0
    assert list(adata.obs) == list(before.obs)
    assert list(adata.obsm) == list(before.obsm)
    assert not adata.uns
    np.testing.assert_array_equal(adata.obsm["spatial"], before.obsm["spatial"])
    with pytest.raises(ValueError, match="read-only"):
        dataset.positions_cd[0] = 0


def test_counts_are_looked_for_in_x_layers_and_raw(make_adata: Make) -> None:
    adata = make_adata()
    counts = adata.X.copy()
    continuous = counts.copy()
    continuous.data = np.log1p(continuous.data)
    assert Dataset(adata).counts == "X"
    layers = {"other": continuous, "counts": counts}
    assert Dataset(make_adata(X=continuous, layers=layers)).counts == "layers/counts"
    with_raw = make_adata()
    with_raw.raw = with_raw
    with_raw = with_raw[:, ["G3", "G1"]].copy()
    with_raw.X = continuous[:, [3, 1]]
    dataset = Dataset(with_raw)
    assert dataset.counts == "raw"
    np.testing.assert_array_equal(dataset.gene_column("G3", "counts"), counts.toarray()[:, 3])
    none = Dataset(make_adata(X=continuous))
    assert none.counts is None
    assert not none.is_counts
    assert none.sizes_c is None
    np.testing.assert_array_equal(none.expression_cg().toarray(), continuous.toarray())
    assert none.expression_unit == "as stored"
    assert "no counts" in none.report()
    with pytest.raises(DataError, match="holds no counts"):
        none.expression_cg("counts")
    with pytest.raises(DataError, match="does not hold counts"):
        Dataset(make_adata(X=continuous), counts="X")
    with pytest.raises(DataError, match="no layer 'nope'"):
        Dataset(adata, counts="layers/nope")


def test_negative_whole_numbers_are_not_counts(make_adata: Make) -> None:
    assert Dataset(make_adata(X=np.full((30, 8), -1))).counts is None


def test_nan_is_named_shown_as_missing_and_refused_for_training(make_adata: Make) -> None:
    adata = make_adata()
    adata.X.data[:] = 1
    dense = adata.X.toarray()
    dense[4, 2] = np.nan
    dataset = Dataset(make_adata(X=sp.csr_matrix(dense)))
    assert any("cell cell4, gene G2" in sentence for sentence in dataset.problems)
    column = dataset.gene_column("G2")
    assert np.isnan(column[4])
    assert np.isfinite(np.delete(column, 4)).all()
    with pytest.raises(DataError, match="cell cell4, gene G2"):
        dataset.expression_cg()


def test_duplicate_genes_and_cells_are_numbered(make_adata: Make) -> None:
    adata = make_adata(n_cells=4, n_genes=3)
    adata.var_names = ["A", "A", "B"]
    adata.obs_names = ["c", "c", "c", "d"]
    dataset = Dataset(adata)
    assert dataset.genes.names.tolist() == ["A", "A-1", "B"]
    assert dataset.cell_names.tolist() == ["c", "c-1", "c-2", "d"]
    np.testing.assert_array_equal(dataset.gene_column("A-1", "counts"), adata.X.toarray()[:, 1])
    assert sum("more than once" in sentence for sentence in dataset.problems) == 2
    assert adata.var_names.tolist() == ["A", "A", "B"]


def test_cells_without_counts_are_told(make_adata: Make) -> None:
    counts = make_adata().X.toarray()
    counts[[2, 5]] = 0
    dataset = Dataset(make_adata(X=counts))
    assert any(told.startswith("2 of 30 cells hold no counts (cell2, cell5)") for told in dataset.problems)
    assert np.isfinite(dataset.expression_cg().toarray()).all()
    assert Dataset(make_adata(X=np.zeros((30, 8)))).expression_cg().nnz == 0


@pytest.mark.parametrize("shape", [(0, 5), (5, 0)])
def test_an_empty_table_is_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(DataError, match="it is empty"):
        Dataset(anndata.AnnData(np.zeros(shape)))


def test_no_coordinates(make_adata: Make) -> None:
    dataset = Dataset(make_adata())
    assert dataset.positions_cd is None
    assert dataset.tissue.sections == ()
    assert dataset.report() == "30 cells, no tissue coordinates, counts in X, no embedding: prepare?"
    same_point = make_adata(obsm={"spatial": np.ones((30, 2))})
    assert Dataset(same_point).positions_cd is None


def test_lost_coordinates_are_told(make_adata: Make) -> None:
    positions = np.random.default_rng(0).random((30, 2))
    positions[7] = np.nan
    dataset = Dataset(make_adata(obsm={"spatial": positions}))
    assert np.isnan(dataset.positions_cd[7]).all()
    assert any("1 of 30 cells have no coordinates" in sentence for sentence in dataset.problems)


def test_embeddings_in_drawing_order(make_adata: Make) -> None:
    obsm = {"X_pca": np.ones((30, 5)), "X_umap": np.ones((30, 2)), "one": np.ones((30, 1))}
    dataset = Dataset(make_adata(obsm=obsm))
    assert list(dataset.embeddings) == ["X_umap", "X_pca"]
    assert dataset.report().endswith("embeddings UMAP, PCA")
    assert Dataset(make_adata(obsm={"X_pca": np.ones((30, 5))})).report().endswith("no embedding: prepare?")


def test_fingerprint_follows_expression_and_names_only(make_adata: Make) -> None:
    first = Dataset(make_adata()).fingerprint
    annotated = make_adata()
    annotated.obs["x"] = 1
    assert Dataset(annotated).fingerprint == first
    stored_otherwise = make_adata()
    stored_otherwise.X = stored_otherwise.X.astype(np.float64).tocsc()
    assert Dataset(stored_otherwise).fingerprint == first
    changed = make_adata()
    changed.X[0, 0] += 1
    assert Dataset(changed).fingerprint != first
    renamed = make_adata()
    renamed.obs_names = ["new", *renamed.obs_names[1:]]
    assert Dataset(renamed).fingerprint != first


def test_overrides(make_adata: Make) -> None:
    adata = make_adata(obsm={"spatial": np.random.default_rng(0).random((30, 2))})
    adata.obs["piece"] = pd.Categorical(["x"] * 10 + ["y"] * 20)
    adata.obs["who"] = ["p1"] * 5 + ["p2"] * 25
    dataset = Dataset(adata, section="piece", donor="who", observation="bin", unit="um")
    assert dataset.sections.names == ("x", "y")
    assert dataset.donors is not None
    assert dataset.donors.names == ("p1", "p2")
    assert (dataset.observations, dataset.position_unit) == ("bins", "um")
    assert dataset.tissue.microns_per_unit == 1.0
    assert Dataset(adata).donors is None
    for wrong in ({"section": "nope"}, {"donor": "nope"}, {"observation": "planet"}, {"unit": "mile"}):
        with pytest.raises(DataError):
            Dataset(adata, **wrong)
    with pytest.raises(DataError, match="not from ndarray"):
        Dataset(np.ones((2, 2)))  # type: ignore[arg-type]


def test_unknown_gene_and_kind(make_adata: Make) -> None:
    dataset = Dataset(make_adata())
    with pytest.raises(DataError, match="There is no gene 'nope'"):
        dataset.gene_column("nope")
    with pytest.raises(DataError, match="gene number 99"):
        dataset.gene_column(99)
    with pytest.raises(DataError, match="There is no expression 'nope'"):
        dataset.expression_cg("nope")


def test_text_in_the_matrix_is_refused(make_adata: Make) -> None:
    with pytest.raises(DataError, match="instead of numbers"):
        Dataset(make_adata(X=np.full((30, 8), "a"))).report()


def test_backed_files_work(make_adata: Make, tmp_path) -> None:
    make_adata().write_h5ad(tmp_path / "a.h5ad")
    backed = anndata.read_h5ad(tmp_path / "a.h5ad", backed="r")
    try:
        dataset = Dataset(backed)
        assert dataset.counts == "X"
        np.testing.assert_array_equal(dataset.gene_column("G1"), Dataset(make_adata()).gene_column("G1"))
        assert not dataset.editable().isbacked
    finally:
        backed.file.close()


def test_with_adata_keeps_overrides_and_finds_counts_again(make_adata: Make) -> None:
    adata = make_adata(obsm={"spatial": np.random.default_rng(0).random((30, 2))})
    adata.obs["piece"] = ["x"] * 10 + ["y"] * 20
    dataset = Dataset(adata, section="piece", counts="X", path="file.h5ad")
    prepared = dataset.editable()
    prepared.layers["counts"] = prepared.X
    prepared.X = dataset.expression_cg()
    after = dataset.with_adata(prepared)
    assert after.counts == "layers/counts"
    assert after.sections.names == ("x", "y")
    assert after.path == dataset.path
    assert after.fingerprint == dataset.fingerprint
