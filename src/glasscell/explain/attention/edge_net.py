"""One net's attention along the edges of a neighbour graph, and the change when edges are removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from glasscell.models.batch import make_batch
from glasscell.models.cell_batch import Intervention

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.explain.attention.change import Change
    from glasscell.jobs import JobHandle
    from glasscell.models.cell_batch import CellBatch

BLOCK_NUMBERS = 8_000_000
_HALO = 19  # rows that a cell brings with it on a grid of six neighbours, two steps deep


@dataclass(frozen=True, eq=False)
class EdgeMaps:
    """Edges that come in at the cells asked about.

    Parameters
    ----------
    senders, receivers
        Cells of the dataset, ``(n_edges,)``; a cell's edge to itself is there too.
    weights_elh
        Attention, ``(n_edges, layers, heads)`` float32.
    norm_e
        Mean over layers and heads of the norm-weighted attention, ``(n_edges,)``; None for a model that does
        not tell.
    """

    senders: NDArray[np.int32]
    receivers: NDArray[np.int32]
    weights_elh: NDArray[np.float32]
    norm_e: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class Incoming:
    """The edges of a batch that come in at its centre rows.

    Parameters
    ----------
    places
        Positions in ``batch.edges``, ``(n_edges,)``.
    centre_of_edge
        Which scored row an edge comes in at, ``(n_edges,)``.
    senders, receivers
        Cells of the dataset.
    """

    places: NDArray[np.int64]
    centre_of_edge: NDArray[np.int64]
    senders: NDArray[np.int32]
    receivers: NDArray[np.int32]


def blocks(cells: NDArray[Any], n_genes: int) -> Iterator[slice]:
    """Cut cells into blocks whose ego graphs fit in memory."""
    size = int(max(1, min(512, BLOCK_NUMBERS // max(1, n_genes * _HALO))))
    for first in range(0, len(cells), size):
        yield slice(first, first + size)


def incoming(batch: CellBatch) -> Incoming:
    """Find the edges that come in at the rows that are scored."""
    assert batch.edges is not None
    edges = batch.edges.cpu().numpy()
    n = len(batch)
    centre = np.arange(n) if batch.centre is None else batch.centre.cpu().numpy()
    place_of_row = np.full(n, -1, np.int64)
    place_of_row[centre] = np.arange(len(centre))
    places = np.flatnonzero(place_of_row[edges[1]] >= 0)
    indices = batch.indices.cpu().numpy()
    senders, receivers = (indices[edges[end][places]].astype(np.int32) for end in (0, 1))
    return Incoming(places, place_of_row[edges[1][places]], senders, receivers)


@torch.no_grad()
def edge_maps(dataset: Dataset, net: Any, cells: NDArray[Any], job: JobHandle) -> EdgeMaps:
    """Ask a net for the weight of every edge that comes in at a cell; each block is a cancel point."""
    senders, receivers, weights, norms = [], [], [], []
    tells = hasattr(net, "norm_weighted")
    for part in blocks(cells, len(net.genes)):
        job.report(part.start / max(len(cells), 1))
        batch = make_batch(dataset, net, cells[part])
        found = incoming(batch)
        senders.append(found.senders)
        receivers.append(found.receivers)
        places = torch.from_numpy(found.places)
        weights.append(net.attention(batch)[places].float().cpu().numpy())
        if tells:
            norms.append(net.norm_weighted(batch)[places].mean(dim=(1, 2)).float().cpu().numpy())
    if not senders:
        none, nothing = np.zeros(0, np.int32), np.zeros(0, np.float32)
        return EdgeMaps(none, none, np.zeros((0, 1, 1), np.float32), nothing if tells else None)
    norm_e = np.concatenate(norms) if tells else None
    return EdgeMaps(np.concatenate(senders), np.concatenate(receivers), np.concatenate(weights), norm_e)


@torch.no_grad()
def edge_removal(
    dataset: Dataset, net: Any, cells: NDArray[Any], change: Change, job: JobHandle
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """Remove each edge that comes in at a cell, one at a time, and measure the change.

    Ego graphs of different cells share nothing, so one edge of every cell is removed at once.

    Returns
    -------
    Senders, receivers, and the change, each ``(n_edges,)``.
    """
    senders, receivers, changes = [], [], []
    for part in blocks(cells, len(net.genes)):
        batch = make_batch(dataset, net, cells[part])
        found = incoming(batch)
        start = change.start(net, batch)
        turn = _turns(found.centre_of_edge)
        last = int(turn.max(initial=-1))
        change_e = np.zeros(len(turn), np.float32)
        for number in range(last + 1):
            job.report((part.start + (part.stop - part.start) * number / (last + 1)) / (len(cells) + 512))
            edges = np.flatnonzero(turn == number)
            after = net.apply(batch, Intervention(drop_edges=tuple(found.places[edges].tolist())))
            changed_c = change.measure(net, after, start).float().cpu().numpy()
            change_e[edges] = changed_c[found.centre_of_edge[edges]]
        senders.append(found.senders)
        receivers.append(found.receivers)
        changes.append(change_e)
    return np.concatenate(senders), np.concatenate(receivers), np.concatenate(changes)


@torch.no_grad()
def sender_removal(
    dataset: Dataset,
    net: Any,
    cells: NDArray[Any],
    group_of_cell: NDArray[np.int32],
    n_groups: int,
    change: Change,
    job: JobHandle,
) -> NDArray[np.float32]:
    """Remove all neighbours of one group at once, group by group, and measure the change.

    Returns
    -------
    ``(n, n_groups)``; NaN for a cell without a neighbour of that group. A cell's edge to itself stays.
    """
    removed_ct = np.full((len(cells), n_groups), np.nan, np.float32)
    for part in blocks(cells, len(net.genes)):
        batch = make_batch(dataset, net, cells[part])
        found = incoming(batch)
        start = change.start(net, batch)
        for group in range(n_groups):
            job.report((part.start + (part.stop - part.start) * group / n_groups) / (len(cells) + 512))
            edges = np.flatnonzero(
                (group_of_cell[found.senders] == group) & (found.senders != found.receivers)
            )
            if not len(edges):
                continue
            after = net.apply(batch, Intervention(drop_edges=tuple(found.places[edges].tolist())))
            changed_c = change.measure(net, after, start).float().cpu().numpy()
            touched = np.unique(found.centre_of_edge[edges])
            removed_ct[part.start + touched, group] = changed_c[touched]
    return removed_ct


def _turns(centre_of_edge: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the edges of each centre numbers, so that no turn has two edges of one."""
    order = np.argsort(centre_of_edge, kind="stable")
    sorted_centres = centre_of_edge[order]
    first = np.searchsorted(sorted_centres, sorted_centres)
    turn = np.empty(len(order), np.int64)
    turn[order] = np.arange(len(order)) - first
    return turn
