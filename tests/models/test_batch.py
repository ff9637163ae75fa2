"""Batches hold cells in the model's gene order and in the preprocessing of its training data."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import sparse

from glasscell.data.dataset import Dataset
from glasscell.errors import DataError, NotCompatible
from glasscell.models.batch import gene_columns, make_batch, preprocessing_for
from glasscell.models.bundle import Bundle
from glasscell.models.row import Rows
from glasscell.models.target import Target
from glasscell.testing.planted import planted_adata


def test_lognorm_by_the_formula(bundle: Bundle, dataset: Dataset) -> None:
    indices = np.array([7, 3, 250])
    batch = make_batch(dataset, bundle.folds[0], indices)
    counts = dataset.adata.X.toarray()
    sizes = counts.sum(1)
    expected = np.log1p(counts / sizes[:, None] * np.median(sizes))[indices]
    np.testing.assert_allclose(batch.expression.numpy(), expected, rtol=1e-5)
    np.testing.assert_allclose(dataset.expression_cg()[indices].toarray(), expected, rtol=1e-5)
    assert batch.indices.tolist() == [7, 3, 250]
    assert batch.size is not None
    np.testing.assert_allclose(batch.size.numpy(), sizes[indices])
    assert len(batch) == 3


def test_other_data_are_scaled_to_the_training_total_and_order(bundle: Bundle, dataset: Dataset) -> None:
    net = bundle.folds[0]
    order = np.random.default_rng(0).permutation(dataset.n_genes)
    other = dataset.adata[:50, order].copy()
    other.X = sparse.csr_matrix(other.X)
    mixed = make_batch(Dataset(other), net, np.arange(50))
    plain = make_batch(dataset, net, np.arange(50))
    torch.testing.assert_close(mixed.expression, plain.expression)
    target = Target("class", "K1")
    torch.testing.assert_close(net.score(mixed, target), net.score(plain, target))


def test_missing_genes_are_counted_and_named(bundle: Bundle, dataset: Dataset) -> None:
    few = Dataset(dataset.adata[:, 3:].copy())
    with pytest.raises(NotCompatible, match="lacks 3 of the 40 genes the model needs, for example GENE0000"):
        make_batch(few, bundle.folds[0], np.arange(3))


def test_genes_are_found_by_symbol() -> None:
    adata = planted_adata(100, 20)
    symbols = adata.var_names.to_numpy().copy()
    adata.var_names = [f"ENSG{number:011d}" for number in range(20)]
    adata.var["gene_symbols"] = symbols
    assert gene_columns(Dataset(adata), [symbols[4], symbols[0]]).tolist() == [4, 0]


def test_a_model_of_counts_refuses_other_values(bundle: Bundle, dataset: Dataset) -> None:
    adata = dataset.adata.copy()
    adata.X = adata.X.toarray() * 0.37
    with pytest.raises(NotCompatible, match="counts"):
        make_batch(Dataset(adata), bundle.folds[0], np.arange(3))


def test_all_zero_cells_stay_zero_and_an_empty_table_is_refused() -> None:
    adata = planted_adata(100, 20)
    table = adata.X.toarray()
    table[5] = 0
    adata.X = sparse.csr_matrix(table)
    recipe = preprocessing_for(Dataset(adata))
    assert recipe.target_sum == pytest.approx(np.median(np.delete(table.sum(1), 5)))
    adata.X = sparse.csr_matrix(np.zeros((100, 20), np.float32))
    with pytest.raises(DataError, match=r"zero|counts"):
        preprocessing_for(Dataset(adata))


def test_rows_are_the_same_dense_and_in_blocks() -> None:
    table = sparse.random(60, 9, 0.4, format="csr", dtype=np.float32, random_state=0)
    dense, blocks = Rows(table), Rows(table, dense_bytes=0)
    take = torch.tensor([4, 4, 59, 0])
    torch.testing.assert_close(dense.take(take), blocks.take(take))
    mean, sd = dense.moments(np.arange(30))
    np.testing.assert_allclose(mean, table[:30].toarray().mean(0), rtol=1e-5)
    np.testing.assert_allclose(sd, table[:30].toarray().std(0), rtol=1e-4, atol=1e-7)
    assert (len(dense), dense.n_genes) == (60, 9)
