"""Neighbours on the tissue and the small graphs around cells, against slow loops."""

import anndata as ad
import numpy as np
import pytest

from glasscell.data.dataset import Dataset
from glasscell.data.neighbour import GraphSpec, find_neighbours, neighbour_graph
from glasscell.errors import DataError


def hexagons(n_rows: int, n_columns: int) -> np.ndarray:
    row, column = np.divmod(np.arange(n_rows * n_columns), n_columns)
    return np.stack([column + 0.5 * (row % 2), row * np.sqrt(3) / 2], axis=1)


def senders_of(made, cell: int) -> set[int]:
    return set(made.of(cell).tolist())


@pytest.mark.parametrize(("kind", "inside"), [("grid", 6), ("knn", 6), ("radius", 6)])
def test_a_spot_inside_a_hexagonal_grid_has_its_six(kind: str, inside: int) -> None:
    points = hexagons(7, 8)
    made = find_neighbours(points, np.zeros(56, int), GraphSpec(kind, 6, 1.2 if kind == "radius" else None))
    far = np.linalg.norm(points[:, None] - points[None], axis=2)
    for cell in (26, 27, 35):
        nearest = set(np.flatnonzero((far[cell] < 1.01) & (far[cell] > 0)).tolist())
        assert senders_of(made, cell) == nearest
        assert len(nearest) == inside
    corner = senders_of(made, 0)
    assert len(corner) == (6 if kind == "knn" else 2)
    assert made.distances[made.indptr[26] : made.indptr[27]] == pytest.approx(np.ones(6))
    senders, receivers = made.edges()
    assert (senders != receivers).all()
    assert made.degree.sum() == made.n_edges == len(senders)


def test_four_touch_on_a_square_grid() -> None:
    points = np.stack(np.divmod(np.arange(30), 6), axis=1).astype(float)
    assert len(find_neighbours(points, np.zeros(30, int), GraphSpec("grid")).of(8)) == 4


@pytest.mark.parametrize("spec", [GraphSpec("knn", 4), GraphSpec("radius", radius=0.4), GraphSpec("grid")])
def test_edges_never_cross_sections_nor_reach_a_cell_without_a_place(spec: GraphSpec) -> None:
    rng = np.random.default_rng(0)
    points = rng.random((60, 2))  # both sections on the same spot
    sections = np.arange(60) % 2
    points[7] = np.nan
    made = find_neighbours(points, sections, spec)
    senders, receivers = made.edges()
    assert len(senders) >= 60
    assert (sections[senders] == sections[receivers]).all()
    assert made.degree[7] == 0
    assert 7 not in senders
    moved = find_neighbours(points + 100 * sections[:, None], sections, spec)
    assert np.array_equal(moved.indices, made.indices)
    blind = find_neighbours(points, np.zeros(60, int), spec)  # the impostor that knows no sections
    assert (sections[blind.edges()[0]] != sections[blind.edges()[1]]).any()


@pytest.mark.parametrize("disjoint", [True, False])
@pytest.mark.parametrize("hops", [0, 1, 2])
def test_ego_graphs_hold_what_a_cell_can_see(hops: int, disjoint: bool) -> None:
    made = find_neighbours(np.random.default_rng(1).random((40, 2)), np.zeros(40, int), GraphSpec("knn", 3))
    cells = np.array([5, 0, 5, 31, 12])
    ego = made.ego(cells, hops, disjoint=disjoint)
    assert np.array_equal(ego.rows[ego.centre], cells)
    wanted_edges = []
    for cell in cells:
        seen, edges = {int(cell)}, set()
        front = seen
        for _ in range(hops):
            found = {(int(s), r) for r in front for s in made.of(r)}
            edges |= found
            front = {s for s, _ in found} - seen
            seen = seen | front
        wanted_edges.append(edges)
    pairs = [(int(s), int(r)) for s, r in ego.rows[ego.edges].T]
    if disjoint:
        assert sorted(pairs) == sorted(pair for edges in wanted_edges for pair in edges)
        assert len(set(ego.centre.tolist())) == 5
        group = np.arange(len(ego.rows))
        for _ in range(6):
            np.minimum.at(group, ego.edges[1], group[ego.edges[0]])
            np.minimum.at(group, ego.edges[0], group[ego.edges[1]])
        assert len(set(group[ego.centre].tolist())) == 5
    else:
        assert set(pairs) == set().union(*wanted_edges)
        assert len(pairs) == len(set(pairs))
        assert len(set(ego.rows.tolist())) == len(ego.rows)


def test_a_graph_is_made_once_and_what_cannot_be_is_refused() -> None:
    points = np.random.default_rng(2).random((30, 2))
    dataset = Dataset(ad.AnnData(np.ones((30, 2), np.float32), obsm={"spatial": points}))
    assert neighbour_graph(dataset, "knn", 5) is neighbour_graph(dataset, GraphSpec("knn", 5))
    with pytest.raises(DataError, match="coordinates"):
        neighbour_graph(Dataset(ad.AnnData(np.ones((3, 2), np.float32))))
    for wrong in ({"kind": "net"}, {"kind": "knn", "k": 0}, {"kind": "radius"}):
        with pytest.raises(DataError, match=r"graph of kind|k of 1|radius above"):
            GraphSpec(**wrong)
    many = np.random.default_rng(3).random((2000, 2))
    with pytest.raises(DataError, match="smaller"):
        find_neighbours(many, np.zeros(2000, int), GraphSpec("radius", radius=5.0))
    assert GraphSpec.from_json(GraphSpec("radius", 6, 2.5).to_json()) == GraphSpec("radius", 6, 2.5)
    assert find_neighbours(np.zeros((9, 2)), np.zeros(9, int), GraphSpec("knn", 3)).degree.tolist() == [3] * 9
