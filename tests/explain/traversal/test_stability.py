"""Factors matched over seeds: by trying every pairing, on runs with known likeness, and trained."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from anndata import read_h5ad, read_zarr

from glasscell.data.dataset import Dataset
from glasscell.data.labels import read_labels
from glasscell.errors import DataError, JobCancelled, NotCompatible
from glasscell.explain.traversal.stability import (
    FactorStability,
    match_factors,
    measure_stability,
    read_stability,
    why_no_stability,
)
from glasscell.models.additive_vae.family import AdditiveParams
from glasscell.models.bundle import Bundle
from glasscell.models.fit import FitRequest, fit
from glasscell.testing.planted import planted_dataset

FAST = AdditiveParams(
    n_latent=4,
    hidden=24,
    decoder_hidden=8,
    max_epochs=30,
    patience=8,
    warm_up=5,
    batch_size=32,
    learning_rate=1e-2,
)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return planted_dataset(n_cells=300, n_genes=40, n_sections=2, seed=3)


@pytest.fixture(scope="module")
def bundle(dataset: Dataset) -> Bundle:
    request = FitRequest(family="additive_vae", params=FAST, seed=5, batch=read_labels(dataset, "section"))
    return fit(dataset, request)


@pytest.fixture(scope="module")
def found(dataset: Dataset, bundle: Bundle) -> FactorStability:
    return measure_stability(dataset, bundle, n_seeds=3)


def test_matching_is_the_best_of_all_pairings() -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        own, other = rng.normal(size=(30, 4)), rng.normal(size=(30, 4))
        match, correlation = match_factors(own, other)
        plain = np.array([[np.corrcoef(a, b)[0, 1] for b in other.T] for a in own.T])
        best = max(permutations(range(4)), key=lambda order: np.abs(plain[range(4), order]).sum())
        assert tuple(match) == best
        np.testing.assert_allclose(correlation, plain[range(4), match], atol=1e-12)


def test_order_sign_and_scale_do_not_matter() -> None:
    own = np.random.default_rng(1).normal(size=(50, 3)).astype(np.float32)
    match, correlation = match_factors(own, own[:, [2, 0, 1]] * np.array([-3.0, 0.1, 7.0]) + 5)
    assert match.tolist() == [1, 2, 0]
    np.testing.assert_allclose(correlation, [1, 1, -1], atol=1e-6)


def test_a_flat_factor_correlates_with_nothing() -> None:
    own = np.random.default_rng(1).normal(size=(50, 2))
    own[:, 1] = 0.3
    _, correlation = match_factors(own, own)
    np.testing.assert_allclose(correlation, [1, 0], atol=1e-9)
    with pytest.raises(DataError, match="as many factors"):
        match_factors(own, own[:, :1])


def test_factors_that_carry_the_planted_classes_come_again(found: FactorStability) -> None:
    carrying = ~found.vanished_k
    assert carrying.sum() >= 2
    assert found.mean_k[carrying].min() > 0.6
    floor = found.untrained_rk.mean(axis=0)
    assert found.mean_k[carrying].mean() > floor[carrying].mean() + 0.1, "untrained nets follow it less"
    assert found.seeds == (5, 6, 7)
    assert found.match_rk.shape == found.correlation_rk.shape == found.untrained_rk.shape == (2, 4)
    assert sorted(found.match_rk[0].tolist()) == [0, 1, 2, 3]


def test_cells_of_another_order_are_not_matched(found: FactorStability, bundle: Bundle) -> None:
    """Impostor: the right factors of the wrong cells."""
    own = bundle.cells.latent_cz
    assert own is not None
    wrong = match_factors(own, np.random.default_rng(0).permutation(own))[1]
    assert np.abs(wrong).max() < 0.3 < found.mean_k.max()


def test_it_says_what_was_measured(found: FactorStability) -> None:
    carrying = int(np.flatnonzero(~found.vanished_k)[0])
    words = found.words(carrying)
    assert f"|r| {found.mean_k[carrying]:.2f} (lowest {found.lowest_k[carrying]:.2f}" in words
    assert "2 other seeds" in words
    assert "untrained nets" in words
    two = replace(found, seeds=(5, 6))
    assert "Trained with one other seed," in two.words(carrying)
    gone = replace(found, vanished_k=np.ones(4, bool))
    assert "carries nothing" in gone.words(carrying)
    with pytest.raises(DataError, match="no factor 4"):
        found.words(4)
    table = found.table()
    assert len(table) == 8
    assert set(table["seed"]) == {6, 7}


@pytest.mark.parametrize("kind", ["h5ad", "zarr"])
def test_written_and_read_back_equal(
    found: FactorStability, dataset: Dataset, tmp_path: Path, kind: str
) -> None:
    adata = dataset.adata.copy()
    one = replace(found, untrained_rk=np.full((2, 4), np.nan))
    found.write_into(adata)
    path = tmp_path / f"result.{kind}"
    if kind == "zarr":
        adata.write_zarr(path)
        (again,) = read_stability(read_zarr(path))
    else:
        adata.write_h5ad(path)
        (again,) = read_stability(read_h5ad(path))
    assert again.manifest() == found.manifest()
    assert again.id == found.id
    np.testing.assert_array_equal(again.correlation_rk, found.correlation_rk)
    key = one.write_into(adata)
    (again,) = read_stability(adata)
    assert np.isnan(again.untrained_rk).all()
    assert "untrained" not in again.words(int(np.flatnonzero(~one.vanished_k)[0]))
    adata.uns[key] = "{}"
    with pytest.raises(DataError, match="damaged"):
        read_stability(adata)


def test_what_cannot_be_measured_is_said(bundle: Bundle, dataset: Dataset) -> None:
    other = planted_dataset(n_cells=60, n_genes=40)
    assert "Train a model with latent factors" in why_no_stability(None, dataset)
    assert "trained on other data" in why_no_stability(bundle, other)
    with pytest.raises(NotCompatible, match="other data"):
        measure_stability(other, bundle)
    with pytest.raises(DataError, match="two runs or more"):
        measure_stability(dataset, bundle, n_seeds=1)


class Stopping:
    """A job that is cancelled when a word comes up."""

    def __init__(self, word: str) -> None:
        self.word = word

    def report(self, fraction: float | None, text: str = "", **metrics: float) -> None:
        if self.word in text:
            raise JobCancelled


@pytest.mark.parametrize("word", ["run 2", "untrained"])
def test_cancelled_at_every_stage(bundle: Bundle, dataset: Dataset, word: str) -> None:
    with pytest.raises(JobCancelled):
        measure_stability(dataset, bundle, 2, Stopping(word))
