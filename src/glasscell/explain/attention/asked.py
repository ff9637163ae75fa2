"""A request with every name resolved against a dataset and a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import DataError, NotCompatible
from glasscell.explain.attention.change import Change, choose_change
from glasscell.explain.attention.provenance import AttentionProvenance
from glasscell.explain.attention.request import AttentionParams, make_params
from glasscell.explain.attention.result import NOT_IMPORTANCE
from glasscell.explain.memory import free_bytes
from glasscell.explain.training import as_cells
from glasscell.settings import settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.data.dataset import Dataset
    from glasscell.explain.attention.request import AttentionRequest
    from glasscell.explain.attention.result import Bools, Ints
    from glasscell.models.bundle import Bundle
    from glasscell.models.capability.model import Model

NO_TWIN = "z against the twin is missing: this model has no twin that learnt nothing."
NO_RANDOM = "z against re-initialised nets is missing: this model cannot be rebuilt with fresh weights."
FEW_RANDOM = "z against re-initialised nets is missing: it needs at least two of them."
FIRST_NET = (
    "Heads of different nets cannot be told apart, so heads are those of net 1 over the cells it explains."
)


@dataclass(frozen=True, eq=False)
class Asked:
    """What is to be worked out.

    Parameters
    ----------
    cells, net_of_cell, seen
        Sorted cells, the net that is asked for each, and whether it saw the cell in training, ``(n,)``.
    drawn
        Rows of ``cells`` in which removal is measured and null nets are asked.
    groups, group_of_cell
        Names, and group of every cell of the dataset, -1 for none, ``(n_cells,)``.
    """

    dataset: Dataset
    bundle: Bundle
    cells: Ints
    net_of_cell: Ints
    seen: Bools
    drawn: Ints
    groups: tuple[str, ...]
    group_of_cell: Ints
    change: Change
    params: AttentionParams
    provenance: AttentionProvenance
    seed: int

    @property
    def nets(self) -> tuple[int, ...]:
        """Numbers of the nets that are asked."""
        return tuple(int(net) for net in np.unique(self.net_of_cell))

    @property
    def first(self) -> Bools:
        """Rows that the first net explains; all where there is one net."""
        return np.asarray(self.net_of_cell == self.nets[0])

    def rows_of(self, net: int, rows: Ints | None = None) -> Ints:
        """Return which rows one net explains, of all or of some."""
        among: Ints = np.arange(len(self.cells), dtype=np.int32) if rows is None else rows
        return np.asarray(among[self.net_of_cell[among] == net], np.int32)


def why_not_attend(model: object) -> str | None:
    """Say in one clause why a model's attention cannot be shown, or None when it can."""
    from glasscell.models.capability.attention import Attends
    from glasscell.models.capability.classification import Classifies
    from glasscell.models.capability.intervention import Intervenes
    from glasscell.models.capability.latent import Encodes

    if not isinstance(model, Attends):
        return "Attention does not fit this model: it attends to nothing (it has no attention layers)."
    if not isinstance(model, Intervenes):
        return (
            "Attention is not shown for this model: nothing can be taken out of its input, "
            "so nobody could tell what its weights do."
        )
    if not isinstance(model, Classifies | Encodes):
        return "Attention is not shown for this model: it gives neither classes nor latents to measure on."
    return None


def resolve(dataset: Dataset, bundle: Bundle, request: AttentionRequest) -> Asked:
    """Resolve a request, refusing in one sentence what cannot be done."""
    model, by = bundle.folds[0], request.by
    reason = why_not_attend(model)
    if reason is not None:
        raise NotCompatible(reason)
    if len(by.codes) != dataset.n_cells:
        raise DataError("The groups are of another dataset: choose groups of this one.")
    params, cells = make_params(request.params), as_cells(request.cells, dataset.n_cells)
    change = choose_change(model, request.target, bundle.classes)
    codes, groups = np.asarray(by.codes, np.int32), tuple(by.classes)
    if model.tokens:  # type: ignore[attr-defined]
        codes, groups = _present(codes, groups, cells)
    if not (codes[cells] >= 0).any():
        raise DataError(f'None of the chosen cells has a value of "{by.name}": choose other groups or cells.')
    net_of_cell = bundle.net_for_cells(dataset, cells, request.nets)
    provenance = AttentionProvenance(
        by=by.name,
        target=change.text,
        unit=change.unit,
        params=params.model_dump(),
        nets=request.nets,
        seed=request.seed,
        model=bundle.fingerprint,
        data=dataset.fingerprint,
        family=bundle.family,
        null=_null_words(bundle),
    )
    return Asked(
        dataset,
        bundle,
        cells,
        net_of_cell,
        bundle.seen_in_training(dataset, cells, net_of_cell),
        draw(codes[cells], params.removal_cells, request.seed),
        groups,
        codes,
        change,
        params,
        provenance,
        request.seed,
    )


def draw(group_c: Ints, most: int, seed: int) -> Ints:
    """Draw up to ``most`` rows of each group at random, sorted; rows without a group are never drawn."""
    rng = np.random.default_rng(seed)
    kept = [
        rng.permutation(np.flatnonzero(group_c == group))[:most]
        for group in range(int(group_c.max(initial=-1)) + 1)
    ]
    return np.sort(np.concatenate(kept)).astype(np.int32) if kept else np.zeros(0, np.int32)


def null_nets(asked: Asked) -> tuple[tuple[Model, ...], tuple[Model, ...], tuple[str, ...]]:
    """Return the twin (if there is one), re-initialised nets, and sentences on what is missing."""
    from glasscell.explain.randomise import reinitialise
    from glasscell.models.registry import FAMILIES

    bundle, wanted = asked.bundle, asked.params.random_nets
    twins = () if bundle.twin is None else (bundle.twin,)
    notes = [] if twins else [NO_TWIN]
    if bundle.family not in FAMILIES:
        return twins, (), (*notes, NO_RANDOM)
    if wanted < 2:
        return twins, (), (*notes, FEW_RANDOM)
    first = bundle.folds[asked.nets[0]]
    nets = tuple(reinitialise(bundle, first, asked.seed * 1000 + turn) for turn in range(wanted))
    return twins, nets, tuple(notes)


def common_notes(asked: Asked) -> tuple[str, ...]:
    """Say what holds of every result."""
    seen = int(asked.seen.sum())
    known = asked.bundle.rows(asked.dataset, asked.cells) >= 0
    told = [NOT_IMPORTANCE]
    if asked.change.text == "latent_shift":
        told.append("The change on removal is a distance in latent space, so it is never negative.")
    if asked.bundle.classes and seen:
        told.append(f"{seen:,} of {len(asked.cells):,} cells were seen in training by the net that is asked.")
    if not known.all():
        told.append(f"{int((~known).sum()):,} cells are unknown to the model.")
    if len(asked.nets) > 1:
        told.append(FIRST_NET)
    return tuple(told)


def check_memory(numbers: int, n_cells: int) -> None:
    """Refuse a table that does not fit in memory, saying how many cells would.

    Parameters
    ----------
    numbers
        Of the table, all cells together.
    n_cells
        Cells asked about.
    """
    free, need = free_bytes(), 4 * numbers
    share = settings().memory_share
    if free is not None and need > share * free:
        fits = int(share * free // max(need // max(n_cells, 1), 1))
        raise DataError(
            f"Attention of {n_cells:,} cells needs {need / 1e9:.1f} GB and {free / 1e9:.1f} GB are free: "
            f"select at most {fits:,} cells."
        )


def _present(codes: Ints, groups: Sequence[str], cells: Ints) -> tuple[Ints, tuple[str, ...]]:
    """Leave out groups without a cell."""
    used = [k for k in range(len(groups)) if (codes[cells] == k).any()]
    place = np.full(len(groups) + 1, -1, np.int32)
    place[used] = np.arange(len(used))
    return place[codes], tuple(groups[k] for k in used)


def _null_words(bundle: Bundle) -> str:
    words: dict[bool, Any] = {True: "labels permuted", False: "counts redrawn"}
    return "none" if bundle.twin is None else f"twin, {words[bool(bundle.classes)]}"
