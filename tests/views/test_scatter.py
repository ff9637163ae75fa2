"""Ticks, dots and names of the axes of a scatter."""

import numpy as np
import pytest

from glasscell.views.scatter import bounds_of, dot_radius, embedding_words, has_no_unit, tick_places


@pytest.mark.parametrize(
    ("low", "high", "most", "wanted"),
    [
        (0.0, 10.0, 5, [0, 2, 4, 6, 8, 10]),
        (-0.31, 0.29, 3, [-0.2, 0.0, 0.2]),
        (3.0, 9000.0, 2, [5000.0]),
        (0.0, 0.0, 5, []),
        (np.nan, 1.0, 5, []),
    ],
)
def test_ticks_are_round_numbers(low: float, high: float, most: int, wanted: list[float]) -> None:
    np.testing.assert_allclose(tick_places(low, high, most), wanted, atol=1e-12)


def test_dots_fill_the_room_there_is() -> None:
    assert dot_radius(400 * 400, 50, 1.0) == 3.5
    assert dot_radius(400 * 400, 10**6, 1.0) == 0.5
    assert dot_radius(400 * 400, 10**6, 100.0) == pytest.approx(5.0)
    assert dot_radius(400 * 400, 50, 1e9) == 9.0


def test_axes_of_one_embedding_have_no_unit() -> None:
    assert has_no_unit("umap 1", "umap 2")
    assert has_no_unit("X_pca 1", "X_pca 4")
    assert not has_no_unit("GENE1", "GENE2")
    assert not has_no_unit("umap 1", "score")
    assert [embedding_words(name) for name in ("X_umap", "X_my_map")] == ["UMAP", "my map"]


def test_bounds_leave_out_cells_without_a_place() -> None:
    assert bounds_of(np.array([[np.nan, 1.0], [2.0, 3.0], [0.0, 9.0]])) == (0.0, 3.0, 2.0, 9.0)
    assert bounds_of(np.full((2, 2), np.nan)) is None
    assert bounds_of(None) is None
