"""The colour under each cell as a coordinate: the window, the levels, sections without a picture."""

import anndata as ad
import numpy as np
import pytest

from glasscell.data.dataset import Dataset
from glasscell.data.histology import histology_height
from glasscell.data.neighbour import GraphSpec, neighbour_graph
from glasscell.data.tissue import Tissue, TissueImage, TissueSection
from glasscell.errors import DataError


def pictured(pixels: np.ndarray, *, radius: float = 4.0, scale: float = 2.0, levels: int = 1) -> Dataset:
    rng = np.random.default_rng(1)
    height, wide = pixels.shape[:2]
    points = rng.random((60, 2)) * [wide * scale, height * scale]
    points[0] = [3 * wide * scale, 0]  # off the picture
    table = ad.AnnData(np.ones((60, 3), np.float32), obsm={"spatial": points})
    every = tuple(pixels[:: 2**n, :: 2**n] for n in range(levels))
    image = TissueImage("stain", every, (scale, scale), channels=("r", "g", "b"), rgb=True)
    return Dataset(table, tissue=Tissue((TissueSection("section 1", (image,), radius=radius),)))


def test_it_is_the_variance_weighted_colour_of_a_square_in_units_of_place():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (40, 50, 3)).astype(np.uint8)
    dataset = pictured(pixels)
    points = dataset.positions_cd
    colours = []
    for x, y in points[1:]:
        rows = [j for j in range(40) if abs(2 * j - y) <= 4]
        columns = [i for i in range(50) if abs(2 * i - x) <= 4]
        colours.append(pixels[np.ix_(rows, columns)].reshape(-1, 3).mean(axis=0))
    table = np.array(colours)
    one = table @ table.var(axis=0) / table.var(axis=0).sum()
    slow = (one - one.mean()) / one.std() * points.std(axis=0).max()
    found = histology_height(dataset)
    assert found[1:] == pytest.approx(slow, rel=1e-9)
    assert found[0] == 0  # no picture there


def test_a_fine_picture_is_read_at_a_coarse_level():
    smooth = np.add.outer(np.arange(160.0), np.arange(200.0))[:, :, None].repeat(3, axis=2) / 2
    fine = pictured(smooth.astype(np.uint8), radius=16.0, levels=3)
    flat = pictured(smooth.astype(np.uint8), radius=16.0)
    assert np.corrcoef(histology_height(fine), histology_height(flat))[0, 1] > 0.99


def test_one_colour_says_nothing_and_no_picture_is_told():
    even = pictured(np.full((20, 20, 3), 7, np.uint8))
    assert not histology_height(even).any()
    bare = Dataset(ad.AnnData(np.ones((9, 2), np.float32), obsm={"spatial": np.arange(18.0).reshape(9, 2)}))
    with pytest.raises(DataError, match="set histology to 0"):
        histology_height(bare)
    with pytest.raises(DataError, match="coordinates"):
        histology_height(Dataset(ad.AnnData(np.ones((9, 2), np.float32))))


def test_neighbours_of_another_colour_are_farther_and_graphs_are_written_down():
    pixels = np.zeros((40, 50, 3), np.uint8)
    pixels[:, 25:] = 200
    dataset = pictured(pixels)
    side = dataset.positions_cd[:, 0] >= 50
    spec = GraphSpec("knn", 5, histology=1.0)
    across = [
        (side[graph.indices] != side[graph.edges()[1]])[graph.edges()[1] > 0].mean()
        for graph in (neighbour_graph(dataset, spec), neighbour_graph(dataset, GraphSpec("knn", 5)))
    ]
    assert across[0] < across[1]
    assert GraphSpec.from_json(spec.to_json()) == spec
    assert GraphSpec.from_json({"kind": "knn", "k": 6, "radius": None}) == GraphSpec("knn", 6)
    scaled = GraphSpec("knn", 5, scaled=True)
    assert GraphSpec.from_json(scaled.to_json()) == scaled
    with pytest.raises(DataError, match="0 \\(not at all\\) or more"):
        GraphSpec("knn", 5, histology=-1.0)
    plain, spacings = (neighbour_graph(dataset, one) for one in (GraphSpec("knn", 5), scaled))
    nearest = np.median([plain.distances[plain.indptr[cell]] for cell in range(60)])
    assert spacings.distances * nearest == pytest.approx(plain.distances)


def test_ego_graphs_carry_distances():
    dataset = pictured(np.zeros((9, 9, 3), np.uint8))
    near = neighbour_graph(dataset, GraphSpec("knn", 4))
    ego = near.ego(np.array([5, 9]), 2)
    points = dataset.positions_cd[ego.rows]
    far = np.linalg.norm(points[ego.edges[0]] - points[ego.edges[1]], axis=1)
    assert ego.distances == pytest.approx(far)
