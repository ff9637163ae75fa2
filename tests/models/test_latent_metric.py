"""Mixing and purity on maps whose answers are known; neither alone tells a good map from an impostor."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from glasscell.models.latent_metric import mixing, nearest, neighbour_share, principal_components, purity

RNG = np.random.default_rng(0)
KIND, BATCH = np.repeat([0, 1, 2], 100), np.tile([0, 1], 150)


def scores(latent_cz: np.ndarray) -> tuple[float, float]:
    around = nearest(latent_cz)
    assert around.shape == (300, 15)
    assert not (around == np.arange(300)[:, None]).any(), "a cell is not its own neighbour"
    return mixing(around, BATCH), purity(around, KIND)


def test_a_good_map_has_both_and_impostors_one_of_them() -> None:
    noise = RNG.normal(size=(300, 2))
    good = scores(noise + 20 * np.eye(3)[KIND][:, :2])
    apart = scores(noise + 20 * np.eye(3)[KIND][:, :2] + 200 * BATCH[:, None])
    coin = scores(noise)
    assert good[0] == pytest.approx(0.5, abs=0.05)
    assert good[1] == 1.0
    assert apart == (0.0, 1.0)
    assert coin[0] == pytest.approx(0.5, abs=0.05)
    assert coin[1] == pytest.approx(1 / 3, abs=0.05)


def test_neighbours_of_the_nearest_by_hand() -> None:
    around = nearest(np.array([[0.0], [1.0], [3.0]]), 5)
    np.testing.assert_array_equal(around, [[1, 2], [0, 2], [1, 0]])
    assert mixing(around, np.array([0, 0, 1])) == pytest.approx(4 / 6)


def test_share_of_neighbours_by_hand() -> None:
    counts = sparse.csr_matrix(np.array([[2.0, 0.0], [1.0, 3.0], [0.0, 4.0]]))
    share = neighbour_share(counts, np.array([[1, 2], [0, 2], [0, 1]]), 0.5)
    np.testing.assert_allclose(share[0], 0.5 * np.array([1 / 8, 7 / 8]) + 0.5 * np.array([0.3, 0.7]))
    np.testing.assert_allclose(share.sum(axis=1), 1.0)


def test_principal_components_are_those_of_an_svd() -> None:
    rows = RNG.poisson(1.0, (40, 12)).astype(np.float32)
    centred = rows - rows.mean(axis=0)
    left, size, _ = np.linalg.svd(centred, full_matrices=False)
    got = principal_components(sparse.csr_matrix(rows), 3)
    np.testing.assert_allclose(np.abs(got), np.abs(left[:, :3] * size[:3]), atol=1e-4)
