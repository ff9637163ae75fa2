"""Which cells lie next to which on the tissue, and the small graphs around single cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from glasscell.errors import DataError

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset

GraphKind = Literal["knn", "radius", "grid"]
KINDS: tuple[GraphKind, ...] = ("knn", "radius", "grid")
#: On a grid cells up to this many spacings apart touch; the next ring stands at 1.41 (squares) or more.
GRID_REACH = 1.25
#: More neighbours than this for a cell are no neighbourhood but half the tissue.
MOST_NEIGHBOURS = 500

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class GraphSpec:
    """How neighbours are found.

    Parameters
    ----------
    kind
        ``knn``: the ``k`` nearest cells; ``radius``: all within ``radius``; ``grid``: those that touch on a
        regular grid (6 on hexagons, 4 on squares).
    k
        Neighbours of each cell, for ``knn``.
    radius
        In the unit of the positions, for ``radius``.
    histology
        How much the colour of the tissue's picture counts beside the two coordinates, 0 for not at all; it
        is then a third coordinate, see ``histology_height``.
    scaled
        Whether distances are given in spacings of the section (the median distance to the nearest cell), so
        that they mean the same on tissue in other units.
    """

    kind: GraphKind = "knn"
    k: int = 6
    radius: float | None = None
    histology: float = 0.0
    scaled: bool = False

    def __post_init__(self) -> None:
        """Refuse kinds and sizes that make no graph."""
        if self.kind not in KINDS:
            raise DataError(f"There is no graph of kind {self.kind!r}; there are {', '.join(KINDS)}.")
        if self.kind == "knn" and self.k < 1:
            raise DataError("A cell needs at least one neighbour: give k of 1 or more.")
        if self.kind == "radius" and not (self.radius is not None and self.radius > 0):
            raise DataError("Neighbours within a radius need one: give a radius above 0.")
        if not 0 <= self.histology < np.inf:
            raise DataError("The picture counts 0 (not at all) or more: give a histology of 0 to 10.")

    def to_json(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        plain: dict[str, Any] = {"kind": self.kind, "k": self.k, "radius": self.radius}
        more = {"histology": self.histology, "scaled": self.scaled}
        return {**plain, **{name: value for name, value in more.items() if value}}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> GraphSpec:
        """Rebuild what ``to_json`` gave."""
        histology, scaled = float(values.get("histology", 0.0)), bool(values.get("scaled", False))
        return cls(values["kind"], int(values["k"]), values["radius"], histology, scaled)


@dataclass(frozen=True, eq=False)
class EgoGraphs:
    """Some cells with everything they can see.

    Parameters
    ----------
    rows
        Cell of each row, ``(n_rows,)`` int64: the centres come first, then halo.
    edges
        Sender and receiver, as positions in ``rows``, ``(2, n_edges)`` int64; never a row to itself.
    centre
        Row of each cell asked for, ``(m,)`` int64.
    distances
        How far sender and receiver are apart, in the order of the edges.
    """

    rows: Ints
    edges: Ints
    centre: Ints
    distances: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Neighbours:
    """For each cell those that send to it; never itself, never a cell of another section.

    Parameters
    ----------
    indptr, indices
        Neighbours of cell ``i`` are ``indices[indptr[i]:indptr[i + 1]]``, int64.
    distances
        How far they are, same order as ``indices``, in the unit of the positions or in spacings.
    spec
        How they were found.
    """

    indptr: Ints
    indices: Ints
    distances: NDArray[np.float64]
    spec: GraphSpec

    def __len__(self) -> int:
        """Count the cells."""
        return len(self.indptr) - 1

    @property
    def n_edges(self) -> int:
        """Count the edges."""
        return len(self.indices)

    @property
    def degree(self) -> Ints:
        """Neighbours of each cell, ``(n_cells,)``; 0 for a cell without a place or alone in its section."""
        return np.diff(self.indptr)

    def of(self, cell: int) -> Ints:
        """Return one cell's neighbours."""
        return self.indices[self.indptr[cell] : self.indptr[cell + 1]]

    def edges(self) -> Ints:
        """Return sender and receiver of every edge, ``(2, n_edges)``, receivers in order."""
        return np.stack([self.indices, np.repeat(np.arange(len(self)), self.degree)])

    def ego(self, cells: NDArray[np.integer[Any]], hops: int = 1, *, disjoint: bool = True) -> EgoGraphs:
        """Gather what some cells can see within so many edges.

        Parameters
        ----------
        cells
            Row numbers, repeats allowed, ``(m,)``.
        hops
            How far they see.
        disjoint
            Each cell gets a graph of its own, so that a row belongs to one centre; off: rows are shared.
        """
        cells = np.asarray(cells, np.int64)
        n = len(self)
        ego = np.arange(len(cells)) if disjoint else np.zeros(len(cells), np.int64)
        asked = ego * n + cells
        keys = frontier = np.unique(asked)
        senders, receivers, places = ([np.empty(0, np.int64)] for _ in range(3))
        for _ in range(hops):
            sent, got, place = self._into(frontier)
            senders.append(sent)
            receivers.append(got)
            places.append(place)
            frontier = np.setdiff1d(sent, keys)
            keys = np.concatenate([keys, frontier])
        order = np.argsort(keys)
        wanted = np.concatenate([*senders, *receivers, asked])
        found = order[np.searchsorted(keys, wanted, sorter=order)]
        edges, centre = found[: len(found) - len(cells)].reshape(2, -1), found[len(found) - len(cells) :]
        return EgoGraphs(keys % n, edges, centre, self.distances[np.concatenate(places)])

    def _into(self, receivers: Ints) -> tuple[Ints, Ints, Ints]:
        """Return keys of senders and receivers of every edge into some rows, and the edges' own places."""
        n = len(self)
        cells = receivers % n
        lengths = self.indptr[cells + 1] - self.indptr[cells]
        got = np.repeat(receivers, lengths)
        starts = np.repeat(self.indptr[cells] - np.cumsum(lengths) + lengths, lengths)
        places = starts + np.arange(len(got))
        return self.indices[places] + (got - got % n), got, places


_MADE: WeakKeyDictionary[Dataset, dict[GraphSpec, Neighbours]] = WeakKeyDictionary()


def neighbour_graph(
    dataset: Dataset, kind: GraphKind | GraphSpec = "knn", k: int = 6, radius: float | None = None
) -> Neighbours:
    """Find each cell's neighbours on the tissue; edges never cross sections.

    The graph is made once for a dataset and kept as long as the dataset.

    Parameters
    ----------
    dataset
        With positions.
    kind, k, radius
        See ``GraphSpec``, which may be given instead.

    Raises
    ------
    DataError
        The cells have no positions, a radius spans half the tissue, or the picture is to count and there is
        none.
    """
    spec = kind if isinstance(kind, GraphSpec) else GraphSpec(kind, k, radius)
    made = _MADE.setdefault(dataset, {})
    if spec not in made:
        positions_cd = dataset.positions_cd
        if positions_cd is None:
            raise DataError("Nothing says where cells lie: open a file with coordinates, or another model.")
        if spec.histology > 0:
            from glasscell.data.histology import histology_height

            height_c = spec.histology * histology_height(dataset)
            positions_cd = np.column_stack([positions_cd, height_c])
        made[spec] = find_neighbours(positions_cd, np.asarray(dataset.sections.codes), spec)
    return made[spec]


def find_neighbours(
    positions_cd: NDArray[np.floating[Any]], sections: NDArray[np.integer[Any]], spec: GraphSpec
) -> Neighbours:
    """Find neighbours section by section.

    Parameters
    ----------
    positions_cd
        x, y and perhaps a third, NaN where unknown, ``(n_cells, 2 or 3)``; a cell without a place has no
        neighbours.
    sections
        Section of each cell, ``(n_cells,)``.
    """
    from scipy.spatial import cKDTree

    n_cells = len(positions_cd)
    known = np.isfinite(positions_cd).all(axis=1)
    parts = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))]
    for code in np.unique(sections[known]):
        own = np.flatnonzero(known & (sections == code))
        points_cd = np.asarray(positions_cd[own], np.float64)
        sent, got, far = _within(points_cd, spec)
        if spec.scaled and len(far):
            far = far / (_spacing(cKDTree(points_cd[:, :2]), points_cd[:, :2]) or 1.0)
        parts.append((own[sent], own[got], far))
    senders, receivers, distances = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.lexsort((senders, distances, receivers))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(receivers, minlength=n_cells))]).astype(np.int64)
    senders, distances = senders[order], distances[order]
    for values in (indptr, senders, distances):
        values.setflags(write=False)
    return Neighbours(indptr, senders, distances, spec)


def _within(points_cd: NDArray[np.float64], spec: GraphSpec) -> tuple[Ints, Ints, NDArray[np.float64]]:
    """Return senders, receivers and distances among the cells of one section."""
    from scipy.spatial import cKDTree

    n = len(points_cd)
    if n < 2:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    tree = cKDTree(points_cd)
    if spec.kind == "knn":
        k = min(spec.k, n - 1)
        far, near = tree.query(points_cd, k=k + 1)
        itself = near == np.arange(n)[:, None]
        itself[~itself.any(axis=1), -1] = True  # more cells than k on one spot: drop the last instead
        return near[~itself].astype(np.int64), np.repeat(np.arange(n), k), far[~itself]
    radius = spec.radius if spec.kind == "radius" else GRID_REACH * _spacing(tree, points_cd)
    assert radius is not None
    if tree.count_neighbors(tree, radius) > n * min(MOST_NEIGHBOURS, max(2, n)):
        raise DataError(
            f"A radius of {radius:g} holds more than {MOST_NEIGHBOURS} neighbours a cell: give a smaller one."
        )
    pairs = tree.query_pairs(radius, output_type="ndarray").astype(np.int64)
    senders, receivers = np.concatenate([pairs, pairs[:, ::-1]]).T
    return senders, receivers, np.linalg.norm(points_cd[senders] - points_cd[receivers], axis=1)


def _spacing(tree: Any, points_cd: NDArray[np.float64]) -> float:
    far, _ = tree.query(points_cd, k=2)
    apart = far[:, 1][far[:, 1] > 0]
    return float(np.median(apart)) if len(apart) else 0.0
