"""Attention to tokens over all nets of a bundle, with removal and null nets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.explain.attention.asked import Asked, check_memory, common_notes, null_nets
from glasscell.explain.attention.average import group_means, null_z
from glasscell.explain.attention.token_net import (
    NO_NORM,
    TokenMaps,
    combine,
    map_names,
    token_maps,
    token_removal,
)
from glasscell.explain.attention.token_result import TokenAttention, relative_map
from glasscell.explain.part import Part
from glasscell.jobs import QUIET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.explain.attention.result import Floats, Ints
    from glasscell.jobs import JobHandle

NO_ROLLOUT = "Rollout is missing: this model does not tell how its tokens attend to each other."


def attend_tokens(asked: Asked, job: JobHandle) -> TokenAttention:
    """Work out attention to tokens."""
    found = _maps(asked, Part(job, 0.0, 0.3, "Reading attention"))
    removed_ct = _removal(asked, found, Part(job, 0.3, 0.75, "Removing tokens"))
    n_layers, n_heads = found.weights_clht.shape[1:3]
    maps = map_names(n_layers, n_heads, rollout=found.rollout_ct is not None, norm=found.norm_ct is not None)
    group_c = asked.group_of_cell[asked.cells]
    weight_mgt, relative_mgt = _grouped(found, maps, group_c, len(asked.groups), asked.first)
    twin, random, notes = _nulls(asked, maps, relative_mgt, Part(job, 0.75, 1.0, "Asking null nets"))
    removed_gt, n_removed_gt = group_means(removed_ct, group_c, len(asked.groups))
    if found.rollout_ct is None:
        notes = (*notes, NO_ROLLOUT)
    if found.norm_ct is None:
        notes = (*notes, NO_NORM)
    job.report(1.0, "Attention is read")
    net: Any = asked.bundle.folds[0]
    return TokenAttention(
        provenance=asked.provenance,
        n_cells=asked.dataset.n_cells,
        cells=asked.cells,
        columns=tuple(str(token) for token in net.tokens),
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
        weights_clht=found.weights_clht,
        rollout_ct=found.rollout_ct,
        norm_ct=found.norm_ct,
        removed_ct=removed_ct,
        first_net=asked.first.copy(),
    )


def _maps(asked: Asked, job: JobHandle) -> TokenMaps:
    """Ask each net about its cells and put the answers together."""
    whole: list[Floats | None] = [None, None, None]
    _check_size(asked)
    for net in asked.nets:
        rows = asked.rows_of(net)
        share = Part(job, net / len(asked.bundle.folds), (net + 1) / len(asked.bundle.folds), "")
        maps = token_maps(asked.dataset, asked.bundle.folds[net], asked.cells[rows], share)
        for place, values in enumerate((maps.weights_clht, maps.rollout_ct, maps.norm_ct)):
            if values is None:
                continue
            held = whole[place]
            if held is None:
                held = whole[place] = np.full((len(asked.cells), *values.shape[1:]), np.nan, np.float32)
            held[rows] = values
    weights_clht, rollout_ct, norm_ct = whole
    assert weights_clht is not None
    return TokenMaps(weights_clht, rollout_ct, norm_ct)


def _check_size(asked: Asked) -> None:
    """Refuse more cells than fit in memory, judged by what one cell takes."""
    net = asked.bundle.folds[asked.nets[0]]
    shape = token_maps(asked.dataset, net, asked.cells[:1], QUIET).weights_clht.shape
    per_cell = int(np.prod(shape[1:])) + 2 * shape[-1]
    check_memory(len(asked.cells) * per_cell, len(asked.cells))


def _removal(asked: Asked, found: TokenMaps, job: JobHandle) -> Floats:
    removed_ct = np.full((len(asked.cells), found.weights_clht.shape[-1]), np.nan, np.float32)
    done = 0
    for net in asked.nets:
        rows = asked.rows_of(net, asked.drawn)
        share = Part(job, done / len(asked.drawn), (done + len(rows)) / len(asked.drawn), "")
        done += len(rows)
        if len(rows):
            removed_ct[rows] = token_removal(
                asked.dataset, asked.bundle.folds[net], asked.cells[rows], asked.change, share
            )
    return removed_ct


def _grouped(
    found: TokenMaps, maps: Sequence[str], group_c: Ints, n_groups: int, first: Any
) -> tuple[Floats, Floats]:
    """Average every map by group, as it is and relative to uniform."""
    weights, relatives = [], []
    layers = found.weights_clht.shape[1]
    for which in maps:
        values_ct = _map(found, which)
        groups = np.where(first, group_c, -1) if which.startswith("head:") else group_c
        weights.append(group_means(values_ct, groups, n_groups)[0])
        relatives.append(group_means(relative_map(values_ct, which, layers), groups, n_groups)[0])
    return np.stack(weights), np.stack(relatives)


def _map(found: TokenMaps, which: str) -> Floats:
    stored = {"rollout": found.rollout_ct, "norm": found.norm_ct}.get(which)
    return combine(found.weights_clht, which) if stored is None else np.asarray(stored, np.float64)


def _nulls(
    asked: Asked, maps: Sequence[str], relative_mgt: Floats, job: JobHandle
) -> tuple[Floats, Floats, tuple[str, ...]]:
    """Set the group means against those of the twin and of re-initialised nets, in the drawn cells."""
    twins, randoms, notes = null_nets(asked)
    compared = [which for which in maps if not which.startswith("head:")]
    cells = asked.cells[asked.drawn]
    group_c, n_nets = asked.group_of_cell[cells], len(twins) + len(randoms)
    means = []
    for number, net in enumerate((*twins, *randoms)):
        share = Part(job, number / n_nets, (number + 1) / n_nets, "")
        found = token_maps(asked.dataset, net, cells, share)
        everyone = np.ones(len(cells), np.bool_)
        means.append(_grouped(found, compared, group_c, len(asked.groups), everyone)[1])
    found_z = []
    for part in (means[: len(twins)], means[len(twins) :]):
        z_mgt = np.full_like(relative_mgt, np.nan)
        if part:
            nulls_rmgt = np.stack(part)
            for place, which in enumerate(compared):
                z_mgt[maps.index(which)] = null_z(relative_mgt[maps.index(which)], nulls_rmgt[:, place])
        found_z.append(z_mgt)
    return found_z[0], found_z[1], notes
