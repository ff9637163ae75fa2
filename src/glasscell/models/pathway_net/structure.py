"""Which node is connected to which: genes, sets, groups of sets, free nodes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from glasscell.data.gene_set import gene_mask, jaccard, read_gmt
from glasscell.errors import DataError
from glasscell.models.pathway_net.params import ALL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from glasscell.models.pathway_net.params import PathwayNetParams


@dataclass(frozen=True, eq=False)
class Structure:
    """The connections of a layered network.

    Parameters
    ----------
    layers
        Names of the nodes of each layer, free ones last; no name twice.
    masks
        For each layer which nodes before it (genes for the first) reach which of its nodes,
        ``(n_nodes, n_before)`` bool.
    n_free
        How many of each layer's nodes are free.
    former
        Whether free nodes of the first layer are bent by tanh and all weights begin at random, as in bundles
        of former versions: their control networks must be of the same kind.
    """

    layers: tuple[tuple[str, ...], ...]
    masks: tuple[NDArray[np.bool_], ...]
    n_free: tuple[int, ...]
    former: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """All nodes, layer by layer."""
        return tuple(name for layer in self.layers for name in layer)


def read_structure(genes: tuple[str, ...], params: PathwayNetParams) -> tuple[Structure, tuple[str, ...]]:
    """Read sets and groups that the settings name, lay them over the genes, and say what came of it.

    Raises
    ------
    DataError
        A file cannot be read, none of its sets is measured here, or no group names a set that is.
    """
    sets = read_gmt(params.gene_sets)
    found = gene_mask(sets, genes, min_genes=params.min_genes, max_genes=params.max_genes)
    mask_pg = found.mask_pg
    outside_g = ~mask_pg.any(axis=0)
    said = (
        f"{len(found.names)} of {len(sets)} gene sets are nodes: {len(found.too_small)} have fewer than "
        f"{params.min_genes} measured genes, {len(found.too_large)} more than {params.max_genes}. They hold "
        f"{int((~outside_g).sum()):,} of {len(genes):,} genes"
    )
    sees_g = np.ones_like(outside_g) if params.free_see == ALL else outside_g
    n_free = params.n_free if sees_g.any() else 0
    if n_free:
        said += f"; {n_free} free nodes see {'all' if params.free_see == ALL else 'the others'}."
    else:
        said += "; no node sees the others." if outside_g.any() else "."
    names = free_names(found.names, n_free, "free")
    first = np.vstack([mask_pg, np.tile(sees_g, (n_free, 1))])
    structure = Structure((names,), (first,), (n_free,))
    if params.hierarchy.strip():
        group_names, group_qp = _groups_of_file(params.hierarchy, found.names)
        more = f"The second layer has {len(group_names)} groups of {Path(params.hierarchy).name}."
    elif params.overlap_groups:
        group_names, group_qp = _groups_by_overlap(found.names, mask_pg, params.overlap_groups)
        more = (
            f"The second layer has {len(group_names)} groups of sets that share genes; they were made here "
            "of the sets themselves and are no pathways."
        )
    else:
        return structure, (said,)
    return _with_groups(structure, group_names, group_qp, params.n_free), (said, more)


def free_names(names: Sequence[str], n_free: int, word: str) -> tuple[str, ...]:
    """Return names, then ``free 1``, ``free 2``, ..., none of them twice."""
    taken, number = set(names), 0
    free: list[str] = []
    while len(free) < n_free:
        number += 1
        if f"{word} {number}" not in taken:
            free.append(f"{word} {number}")
    return (*names, *free)


def _with_groups(
    first: Structure, groups: Sequence[str], group_qp: NDArray[np.bool_], wanted: int
) -> Structure:
    """Add a layer of groups; free nodes of it see the free nodes before it and the sets of no group."""
    before = first.layers[0]
    n_sets = len(before) - first.n_free[0]
    sees = np.concatenate([~group_qp.any(axis=0), np.ones(first.n_free[0], np.bool_)])
    n_free = wanted if sees.any() else 0
    named = np.hstack([group_qp, np.zeros((len(groups), len(before) - n_sets), np.bool_)])
    taken = set(before)
    names = []
    for group in groups:
        name = group
        while name in taken:
            name += " (group)"
        taken.add(name)
        names.append(name)
    layer = free_names([*before, *names], n_free, "free (layer 2)")[len(before) :]
    mask = np.vstack([named, np.tile(sees, (n_free, 1))])
    return Structure((before, layer), (first.masks[0], mask), (first.n_free[0], n_free))


def _groups_of_file(path: str, sets: tuple[str, ...]) -> tuple[tuple[str, ...], NDArray[np.bool_]]:
    groups = read_gmt(path)
    try:
        found = gene_mask(groups, sets, min_genes=1, max_genes=len(sets))
    except DataError:
        raise DataError(
            f"No line of {Path(path).name} names a gene set that is a node here (such as {sets[0]!r}): each "
            "line is a group, a description and names of sets, separated by tabs."
        ) from None
    return found.names, found.mask_pg


def _groups_by_overlap(
    sets: tuple[str, ...], mask_pg: NDArray[np.bool_], wanted: int
) -> tuple[tuple[str, ...], NDArray[np.bool_]]:
    """Join the sets that share most genes until so many groups are left (average linkage of Jaccard)."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    if len(sets) <= wanted:
        raise DataError(
            f"{wanted} groups cannot be made of {len(sets)} gene sets: ask for fewer groups, or none."
        )
    distance_pp = 1 - jaccard(mask_pg)
    np.fill_diagonal(distance_pp, 0.0)
    tree = linkage(squareform(distance_pp, checks=False), "average")
    found = fcluster(tree, wanted, "maxclust")
    names: list[str] = []
    rows = []
    for number in np.unique(found):
        inside = np.flatnonzero(found == number)
        more = f" + {len(inside) - 1}" if len(inside) > 1 else ""
        largest = inside[np.argmax(mask_pg[inside].sum(axis=1))]
        names.append(f"overlap {len(names) + 1}: {sets[largest]}{more}")
        rows.append(found == number)
    return tuple(names), np.stack(rows)
