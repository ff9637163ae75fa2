"""Points: thinned at random with the number told, the same ones every time."""

import numpy as np
import pandas as pd
import pytest

from glasscell.data.height import choose_heights, plane_of, stored_heights
from glasscell.data.points import gene_names, read_points, thin

dask = pytest.importorskip("dask.dataframe")

pytestmark = pytest.mark.filterwarnings("ignore")


def table(n_points: int, partitions: int) -> object:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {"x": np.arange(n_points, dtype=float), "y": 1.0, "gene": rng.choice(["b", "a2", "a10"], n_points)}
    )
    return dask.from_pandas(frame, npartitions=partitions)


def test_thinning_is_random_seeded_and_spread_over_all_partitions() -> None:
    points = read_points(table(9000, 7), "rna", wanted=1000, seed=5)
    assert (len(points), points.total) == (1000, 9000)
    assert points.told() == "showing 1,000 of 9,000 transcripts"
    np.testing.assert_array_equal(points.positions_pd[:, 0], thin(9000, 1000, 5))
    assert abs(points.positions_pd[:, 0].mean() - 4500) < 300, "the first rows alone would have a mean of 500"
    other = read_points(table(9000, 2), "rna", wanted=1000, seed=5)
    np.testing.assert_array_equal(points.positions_pd, other.positions_pd)
    np.testing.assert_array_equal(points.gene_names(), other.gene_names())
    assert not np.array_equal(thin(9000, 1000, 6), thin(9000, 1000, 5))


def test_genes_are_those_of_their_points() -> None:
    frame = table(300, 3)
    points = read_points(frame, "rna")
    names = frame.compute()["gene"].to_numpy()
    np.testing.assert_array_equal(points.gene_names(), names)
    np.testing.assert_array_equal(points.of_gene("a2"), names == "a2")
    assert not points.of_gene("absent").any()
    assert gene_names(frame) == ["a2", "a10", "b"]


def test_planes_come_from_pictures_else_from_the_cells() -> None:
    z_c = np.array([0.0, 10.0, np.nan, 10.0])
    assert choose_heights(z_c) == (0.0, 10.0)
    assert choose_heights(z_c, [(), (1.0, 2.0, 3.0)]) == (1.0, 2.0, 3.0)
    assert choose_heights(np.array([4.0, 4.0])) == () == choose_heights(None)
    assert len(choose_heights(np.random.default_rng(0).normal(size=500))) == 10
    np.testing.assert_array_equal(plane_of(z_c, (0.0, 4.0, 9.0)), [0, 2, -1, 2])
    assert stored_heights({"spatial": np.zeros((3, 3))}) is None
    np.testing.assert_array_equal(stored_heights({"spatial": np.arange(9.0).reshape(3, 3)}), [2, 5, 8])
