"""Attention between genes over the nets of a bundle, a block of cells at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from glasscell.data.rank import rank_correlation
from glasscell.errors import DataError, NotCompatible
from glasscell.explain.gene_attention.result import CO_EXPRESSION, GeneAttention, GenePair
from glasscell.jobs import QUIET, JobHandle
from glasscell.models.batch import make_batch
from glasscell.models.capability.attention import AttendsWithin
from glasscell.models.cell_batch import Intervention
from glasscell.models.span import Span

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.data.labels import Labels
    from glasscell.models.bundle import Bundle

#: Cells that must express both genes before their attention is listed.
LEAST_BOTH = 10
#: Cells in which a removal is measured, and pairs drawn by chance beside the most attended to, per group.
REMOVED_IN, BY_CHANCE = 40, 30
_BLOCK = 512


def why_no_gene_attention(bundle: Bundle | None) -> str:
    """Say in one sentence why attention between genes cannot be shown; empty when it can."""
    if bundle is None:
        return "Train a model whose genes attend to each other first: the family gene_transformer."
    net: Any = bundle.folds[0]
    if not isinstance(net, AttendsWithin):
        return f"In {net.info.title} no gene attends to another: train the family gene_transformer."
    if getattr(bundle.params, "depth", 2) < 2:
        return "With one layer only the class token asks: train with two layers or more."
    return ""


def gene_attention(
    dataset: Dataset,
    bundle: Bundle,
    by: Labels,
    *,
    top: int = 20,
    heads: bool = False,
    seed: int = 0,
    job: JobHandle = QUIET,
) -> GeneAttention:
    """Sum attention between genes over cells, group by group, and measure what removals change.

    It tells which genes the net looks at when it reads another, beyond how present they are. It shows no
    regulation. Beside each listed pair stand the change of the guess of the one gene when the other is taken
    away, and their rank correlation.

    Parameters
    ----------
    dataset
        The cells; each is asked of the net that held it out.
    bundle
        Of the family ``gene_transformer``.
    by
        Groups of cells.
    top
        Pairs of each group that are listed, the most attended to relative to presence.
    heads
        Whether the first net's heads are kept apart, too.
    seed
        Of the cells and pairs drawn.

    Raises
    ------
    NotCompatible
        No gene attends to another in this model.
    DataError
        The groups are of another dataset, or no group has a pair of genes in enough cells.

    References
    ----------
    Kendiukhov 2026, arXiv:2602.17532 (what attention between genes does not show).
    """
    if reason := why_no_gene_attention(bundle):
        raise NotCompatible(reason)
    if len(by.codes) != dataset.n_cells:
        raise DataError("The groups are of another dataset: choose groups of this one.")
    present = [code for code in range(len(by.classes)) if (by.codes == code).any()]
    asked = _Asked(dataset, bundle, np.random.default_rng(seed))
    found: dict[str, list[Any]] = {"weight": [], "relative": [], "both": [], "heads": []}
    groups, pairs, agreement, n_cells, notes = [], [], [], [], [CO_EXPRESSION]
    for turn, code in enumerate(present):
        name, cells = by.classes[code], np.flatnonzero(by.codes == code).astype(np.int32)
        share = Span(job, turn / len(present), (turn + 1) / len(present), name)
        weight, relative, by_head, both = asked.sums(cells, Span(share, 0.0, 0.5, "reading attention"), heads)
        measured, agree = asked.pairs(
            name, cells, (weight, relative, both), top, Span(share, 0.5, 1.0, "removing genes")
        )
        if not measured:
            notes.append(f'"{name}" is left out: no two genes are expressed together in {LEAST_BOTH} cells.')
            continue
        for key, value in zip(found, (weight, relative, both, by_head), strict=True):
            found[key].append(value)
        groups.append(name)
        pairs += measured
        agreement.append(agree)
        n_cells.append(len(cells))
    if not groups:
        raise DataError(
            f"No group has two genes expressed together in {LEAST_BOTH} cells: choose larger groups."
        )
    return GeneAttention(
        genes=asked.net.tokens,
        groups=tuple(groups),
        n_cells_g=np.asarray(n_cells, np.int64),
        weight_gtt=np.stack(found["weight"]),
        relative_gtt=np.stack(found["relative"]),
        head_ghtt=np.stack(found["heads"]) if heads else None,
        both_gtt=np.stack(found["both"]),
        pairs=tuple(pairs),
        agreement_g=np.asarray(agreement),
        notes=tuple(notes),
    )


class _Asked:
    """Data and nets, and the two things that are asked of a group."""

    def __init__(self, dataset: Dataset, bundle: Bundle, rng: np.random.Generator) -> None:
        self.dataset, self.bundle, self.rng = dataset, bundle, rng
        self.net: Any = bundle.folds[0]

    def sums(self, cells: NDArray[np.int32], job: JobHandle, heads: bool) -> tuple[Any, Any, Any, Any]:
        """Return mean weight, weight relative to presence, the first net's heads, and cells with both."""
        net_of_cell = self.bundle.net_for_cells(self.dataset, cells)
        first = int(net_of_cell.min())
        n_tokens = len(self.net.tokens)
        total, even, both = (np.zeros((n_tokens, n_tokens)) for _ in range(3))
        by_head, first_both = None, None
        for number in np.unique(net_of_cell):
            net: Any = self.bundle.folds[number]
            own = cells[net_of_cell == number]
            for start in range(0, len(own), _BLOCK):
                job.report(None)
                batch = make_batch(self.dataset, net, own[start : start + _BLOCK])
                one, by_presence, together = (part.cpu().numpy() for part in net.summed_attention(batch))
                total += one.mean(axis=(0, 1))
                even += by_presence
                both += together
                if heads and number == first:
                    flat = one.reshape(-1, n_tokens, n_tokens)
                    by_head = flat if by_head is None else by_head + flat
                    first_both = together if first_both is None else first_both + together
        with np.errstate(invalid="ignore", divide="ignore"):
            weight, relative = total / np.diag(both)[:, None], total / even
            if by_head is not None and first_both is not None:
                by_head = by_head / np.diag(first_both)[:, None]
        return weight, np.where(even > 0, relative, np.nan), by_head, both.astype(np.int64)

    def pairs(
        self, group: str, cells: NDArray[np.int32], sums: tuple[Any, Any, Any], top: int, job: JobHandle
    ) -> tuple[list[GenePair], float]:
        """Measure removals in the most attended pairs and in some drawn by chance."""
        weight, relative, both = sums
        fit = (both >= LEAST_BOTH) & ~np.eye(len(both), dtype=bool)
        places = np.argwhere(fit)
        if not len(places):
            return [], float("nan")
        order = np.argsort(-relative[fit], kind="stable")[:top]
        drawn = self.rng.permutation(len(places))[:BY_CHANCE]
        chosen = list(dict.fromkeys([*order.tolist(), *drawn.tolist()]))
        x_ct, there_ct = self._tokens(cells, job)
        found: dict[int, GenePair] = {}
        for done, row in enumerate(chosen):
            job.report(done / len(chosen))
            i, j = (int(place) for place in places[row])
            together = np.flatnonzero(there_ct[:, i] & there_ct[:, j])
            some = np.sort(self.rng.permutation(together)[:REMOVED_IN])
            rank = rank_correlation(x_ct[:, i], x_ct[:, j])
            found[row] = GenePair(
                group,
                self.net.tokens[i],
                self.net.tokens[j],
                float(weight[i, j]),
                float(relative[i, j]),
                self._removed(cells[some], i, j),
                rank if np.isfinite(rank) else None,
                int(both[i, j]),
            )
        sample = [found[row] for row in drawn.tolist()]
        relative_p = np.array([pair.relative for pair in sample])
        removed_p = np.array([abs(pair.removed) for pair in sample])
        return list(found.values()), rank_correlation(relative_p, removed_p)

    @torch.no_grad()
    def _tokens(self, cells: NDArray[np.int32], job: JobHandle) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return expression of tokens, and which are there, ``(n, tokens)``; read a block at a time."""
        network, parts, there = self.net.network, [], []
        for start in range(0, len(cells), _BLOCK):
            job.report(None)
            batch = make_batch(self.dataset, self.net, cells[start : start + _BLOCK])
            x_ct = network.tokens.own(self.net.inputs(batch))
            parts.append(x_ct.cpu().numpy())
            there.append((network.presence(x_ct) > 0).cpu().numpy())
        return np.concatenate(parts), np.concatenate(there)

    def _removed(self, cells: NDArray[np.int32], asked: int, removed: int) -> float:
        """Return how the guess of one gene changes when another is taken away, mean over cells."""
        net_of_cell = self.bundle.net_for_cells(self.dataset, cells)
        change = []
        for number in np.unique(net_of_cell):
            net: Any = self.bundle.folds[number]
            batch = make_batch(self.dataset, net, cells[net_of_cell == number])
            without = net.apply(batch, Intervention(drop_tokens=(removed,)))
            change.append((net.guess(without, asked) - net.guess(batch, asked)).cpu().numpy())
        return float(np.concatenate(change).mean())
