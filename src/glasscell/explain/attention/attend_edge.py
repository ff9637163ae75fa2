"""Attention to neighbours over the nets of a bundle, with removal and null nets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import DataError
from glasscell.explain.attention.asked import Asked, check_memory, common_notes, draw, null_nets
from glasscell.explain.attention.average import edge_means, group_means, null_z
from glasscell.explain.attention.edge_net import EdgeMaps, edge_maps, edge_removal, sender_removal
from glasscell.explain.attention.edge_result import EdgeAttention, edge_map, relative_edges
from glasscell.explain.attention.token_net import NO_NORM, map_names
from glasscell.explain.part import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.explain.attention.result import Bools, Floats, Ints
    from glasscell.jobs import JobHandle


def attend_edges(asked: Asked, job: JobHandle) -> EdgeAttention:
    """Work out attention to neighbours."""
    found, first_e = _maps(asked, Part(job, 0.0, 0.2, "Reading attention"))
    if not len(found.senders):
        raise DataError("No cell has a neighbour: check the positions and the radius of the graph.")
    n_groups, n_cells = len(asked.groups), asked.dataset.n_cells
    ends = asked.group_of_cell[found.receivers], asked.group_of_cell[found.senders]
    proper = found.senders != found.receivers
    ends = np.where(proper, ends[0], -1), ends[1]
    n_layers, n_heads = found.weights_elh.shape[1:]
    maps = map_names(n_layers, n_heads, norm=found.norm_e is not None)
    weight_mgt, relative_mgt, n_edges_gt = _grouped(found, maps, ends, n_groups, first_e, n_cells)
    removed_e = _edge_removal(asked, found, Part(job, 0.2, 0.6, "Removing edges"))
    drawn = _draw_pairs(asked, found)
    removed_ct = _sender_removal(asked, drawn, Part(job, 0.6, 0.8, "Removing neighbours by group"))
    twin, random, notes = _nulls(asked, maps, relative_mgt, drawn, Part(job, 0.8, 1.0, "Asking null nets"))
    removed_gt, n_removed_gt = group_means(removed_ct, asked.group_of_cell[asked.cells], n_groups)
    if found.norm_e is None:
        notes = (*notes, NO_NORM)
    job.report(1.0, "Attention is read")
    return EdgeAttention(
        provenance=asked.provenance,
        n_cells=n_cells,
        cells=asked.cells,
        columns=asked.groups,
        groups=asked.groups,
        group_of_cell=asked.group_of_cell.copy(),
        in_training=asked.seen.copy(),
        maps=maps,
        weight_mgt=weight_mgt,
        relative_mgt=relative_mgt,
        z_twin_mgt=twin,
        z_random_mgt=random,
        removed_gt=removed_gt,
        n_removed_gt=n_removed_gt,
        notes=(*common_notes(asked), *notes),
        senders=found.senders,
        receivers=found.receivers,
        weights_elh=found.weights_elh,
        norm_e=found.norm_e,
        first_net_e=first_e,
        removed_e=removed_e,
        removed_ct=removed_ct,
        n_edges_gt=n_edges_gt,
    )


def _maps(asked: Asked, job: JobHandle) -> tuple[EdgeMaps, Bools]:
    """Ask each net about its cells; edges come back sorted by receiver, then sender."""
    parts = []
    for net in asked.nets:
        share = Part(job, net / len(asked.bundle.folds), (net + 1) / len(asked.bundle.folds), "")
        cells = asked.cells[asked.rows_of(net)]
        parts.append(edge_maps(asked.dataset, asked.bundle.folds[net], cells, share))
    senders = np.concatenate([part.senders for part in parts])
    receivers = np.concatenate([part.receivers for part in parts])
    check_memory(3 * sum(part.weights_elh.size for part in parts), len(asked.cells))
    weights_elh = np.concatenate(
        [part.weights_elh for part in parts if len(part.senders)] or [parts[0].weights_elh]
    )
    norms = [part.norm_e for part in parts if part.norm_e is not None]
    norm_e = np.concatenate(norms) if len(norms) == len(parts) else None
    order = np.lexsort((senders, receivers))
    first_cell = np.zeros(asked.dataset.n_cells, np.bool_)
    first_cell[asked.cells[asked.first]] = True
    norm_e = None if norm_e is None else norm_e[order]
    found = EdgeMaps(senders[order], receivers[order], weights_elh[order], norm_e)
    return found, first_cell[found.receivers]


def _grouped(
    found: EdgeMaps,
    maps: Sequence[str],
    ends: tuple[Ints, Ints],
    n_groups: int,
    first_e: Bools,
    n_cells: int,
) -> tuple[Floats, Floats, Ints]:
    """Average every map over the edges between two groups, as it is and relative to uniform."""
    weights, relatives = [], []
    n_edges_gt = np.zeros((n_groups, n_groups), np.int32)
    for which in maps:
        values_e = edge_map(found, which)
        relative_e = relative_edges(values_e, which, found.receivers, n_cells)
        receiving = np.where(first_e, ends[0], -1) if which.startswith("head:") else ends[0]
        means, count = edge_means(values_e, receiving, ends[1], n_groups, n_groups)
        weights.append(means)
        relatives.append(edge_means(relative_e, receiving, ends[1], n_groups, n_groups)[0])
        if which == "mean":
            n_edges_gt = count
    return np.stack(weights), np.stack(relatives), n_edges_gt


def _edge_removal(asked: Asked, found: EdgeMaps, job: JobHandle) -> Floats:
    """Remove edges one by one at all cells, or at a sample of them."""
    n, most = len(asked.cells), asked.params.edge_cells
    rows = np.arange(n, dtype=np.int32)
    if n > most:
        rng = np.random.default_rng(asked.seed)
        rows = np.union1d(asked.drawn[:most], rng.permutation(n)[:most]).astype(np.int32)
    n_cells = asked.dataset.n_cells
    key_e = found.receivers.astype(np.int64) * n_cells + found.senders
    removed_e = np.full(len(key_e), np.nan, np.float32)
    done = 0
    for net in asked.nets:
        own = asked.rows_of(net, rows)
        share = Part(job, done / len(rows), (done + len(own)) / len(rows), "")
        done += len(own)
        if not len(own):
            continue
        senders, receivers, changes = edge_removal(
            asked.dataset, asked.bundle.folds[net], asked.cells[own], asked.change, share
        )
        place = np.searchsorted(key_e, receivers.astype(np.int64) * n_cells + senders)
        removed_e[place] = changes
    return removed_e


def _draw_pairs(asked: Asked, found: EdgeMaps) -> Ints:
    """Draw up to so many cells of each group next to each other group, so that no pair goes unmeasured."""
    n_groups, n_cells = len(asked.groups), asked.dataset.n_cells
    receiving, sending = asked.group_of_cell[found.receivers], asked.group_of_cell[found.senders]
    proper = (found.senders != found.receivers) & (receiving >= 0) & (sending >= 0)
    pair_e = (receiving.astype(np.int64) * n_groups + sending)[proper]
    key = np.unique(pair_e * n_cells + found.receivers[proper])  # each cell once for each pair
    shuffled = np.random.default_rng(asked.seed).permutation(key)
    order = shuffled[np.argsort(shuffled // n_cells, kind="stable")]
    pairs = order // n_cells
    place = np.arange(len(order)) - np.searchsorted(pairs, pairs)
    chosen = np.unique(order[place < asked.params.removal_cells] % n_cells)
    return np.searchsorted(asked.cells, chosen).astype(np.int32)


def _sender_removal(asked: Asked, drawn: Ints, job: JobHandle) -> Floats:
    removed_ct = np.full((len(asked.cells), len(asked.groups)), np.nan, np.float32)
    done = 0
    for net in asked.nets:
        rows = asked.rows_of(net, drawn)
        share = Part(job, done / len(drawn), (done + len(rows)) / len(drawn), "")
        done += len(rows)
        if len(rows):
            removed_ct[rows] = sender_removal(
                asked.dataset,
                asked.bundle.folds[net],
                asked.cells[rows],
                asked.group_of_cell,
                len(asked.groups),
                asked.change,
                share,
            )
    return removed_ct


def _nulls(
    asked: Asked, maps: Sequence[str], relative_mgt: Floats, drawn: Ints, job: JobHandle
) -> tuple[Floats, Floats, tuple[str, ...]]:
    """Set the means between groups against those of the twin and of re-initialised nets.

    They are asked about a sample of each group, and about cells at every pair of groups that touch.
    """
    twins, randoms, notes = null_nets(asked)
    compared = [which for which in maps if not which.startswith("head:")]
    rows = draw(asked.group_of_cell[asked.cells], 5 * asked.params.removal_cells, asked.seed)
    cells, n_nets = asked.cells[np.union1d(rows, drawn)], len(twins) + len(randoms)
    means = []
    for number, net in enumerate((*twins, *randoms)):
        share = Part(job, number / n_nets, (number + 1) / n_nets, "")
        found = edge_maps(asked.dataset, net, cells, share)
        receiving: Any = np.where(found.senders != found.receivers, asked.group_of_cell[found.receivers], -1)
        ends = receiving, asked.group_of_cell[found.senders]
        everyone = np.ones(len(found.senders), np.bool_)
        n_groups = len(asked.groups)
        means.append(_grouped(found, compared, ends, n_groups, everyone, asked.dataset.n_cells)[1])
    found_z = []
    for part in (means[: len(twins)], means[len(twins) :]):
        z_mgt = np.full_like(relative_mgt, np.nan)
        if part:
            nulls_rmgt = np.stack(part)
            for place, which in enumerate(compared):
                z_mgt[maps.index(which)] = null_z(relative_mgt[maps.index(which)], nulls_rmgt[:, place])
        found_z.append(z_mgt)
    return found_z[0], found_z[1], notes
