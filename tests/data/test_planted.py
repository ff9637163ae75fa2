"""The toy datasets are what they say: otherwise every test that leans on them is worth nothing."""

import numpy as np

from glasscell.testing.planted import linear_truth, planted_adata, planted_dataset, tiny_dataset


def test_planted_markers_stand_out_and_nothing_else_does() -> None:
    adata = planted_adata(n_cells=900, n_genes=60, n_passengers=2)
    dataset = planted_dataset(n_cells=900, n_genes=60, n_passengers=2)
    values = dataset.expression_cg().toarray()
    truth, passenger = adata.varm["truth"], adata.varm["passenger"]
    codes = adata.obs["label"].cat.codes.to_numpy()
    assert truth.sum(axis=0).tolist() == [4, 4, 4]
    assert not (truth & passenger).any()
    for code in range(3):
        difference = values[codes == code].mean(axis=0) - values[codes != code].mean(axis=0)
        planted = truth[:, code] | passenger[:, code]
        assert difference[planted].min() > 2 * np.abs(difference[~planted]).max() * 0.5
        assert set(np.argsort(-difference)[: planted.sum()]) == set(np.flatnonzero(planted))


def test_the_same_seed_gives_the_same_cells() -> None:
    first, again, other = (planted_adata(seed=seed) for seed in (1, 1, 2))
    assert (first.X != again.X).nnz == 0
    assert (first.X != other.X).nnz > 0


def test_sections_do_not_overlap_and_carry_donors() -> None:
    adata = planted_adata(n_cells=400, n_sections=2)
    x = adata.obsm["spatial"][:, 0]
    section = adata.obs["section"].to_numpy()
    assert x[section == "S1"].max() < x[section == "S2"].min()
    assert set(adata.obs["donor"]) == {"D1", "D2"}


def test_the_tiny_dataset_has_all_that_a_view_needs() -> None:
    dataset = tiny_dataset()
    assert dataset.is_counts
    assert dataset.positions_cd is not None
    assert next(iter(dataset.embeddings)) == "X_umap"
    assert set(dataset.obs["label"]) == {"K1", "K2", "K3"}


def test_the_linear_truth_adds_up() -> None:
    truth = linear_truth()
    baseline = truth.values_cg.mean(axis=0)
    at_baseline = baseline.astype(float) @ truth.weights_gk[:, 1].astype(float) + float(truth.bias_k[1])
    total = truth.attribution(1, baseline).sum(axis=1)
    np.testing.assert_allclose(total, truth.score(1) - at_baseline, atol=1e-6)
    assert (truth.attribution(1, baseline)[:, ::3] == 0).all()
