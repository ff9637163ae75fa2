"""Carrying a state over from one version of a dataset to the next."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from glasscell.data.selection import Cells, Everything, Selection, refresh
from glasscell.session.rules import Facts, first_channel, first_embedding
from glasscell.session.state import Colouring, State, Views

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset
    from glasscell.session.context import Context


def first_state(facts: Facts, now: State) -> State:
    """Return the state to open a dataset with; the model stays, so that it can be applied to it."""
    return State(
        dataset=facts.dataset,
        colouring=Colouring(first_channel(facts)),
        views=Views(first_embedding(facts)),
        model=now.model,
        explanation=now.explanation,
    )


def carry(state: State, before: Context, after: Context, facts: Facts) -> tuple[State, tuple[str, ...]]:
    """Return the state for a new version of the same data, and sentences on what could not be kept.

    Cells are followed by name. A selection by a column that has changed keeps its cells, not its rule.
    """
    said: tuple[str, ...] = ()
    selection: Selection = state.selection
    groups, notes = state.groups, state.annotations
    if not isinstance(selection, Everything):
        if same_cells(before.dataset, after.dataset):
            selection, said = refresh(selection, after, before=before)
        else:
            selection = follow(Cells.from_mask(selection.mask(before)), before.dataset, after.dataset)
    if not same_cells(before.dataset, after.dataset):
        groups = tuple(replace(one, cells=follow(one.cells, before.dataset, after.dataset)) for one in groups)
        notes = tuple(replace(one, cells=follow(one.cells, before.dataset, after.dataset)) for one in notes)
    wish = replace(state, dataset=facts.dataset, selection=selection, groups=groups, annotations=notes)
    new_embedding = first_embedding(facts)
    if new_embedding not in before.dataset.embeddings:
        wish = wish.with_wish(embedding=new_embedding, axes=None)
    if wish.colouring.channel is None:
        wish = wish.with_wish(channel=first_channel(facts))
    return wish, said


def same_cells(a: Dataset, b: Dataset) -> bool:
    """Tell whether two datasets have the same cells in the same order."""
    return a.n_cells == b.n_cells and bool(np.array_equal(a.cell_names, b.cell_names))


def follow(cells: Cells, before: Dataset, after: Dataset) -> Cells:
    """Find the same cells, by name, in another dataset; those that are gone are left out."""
    import pandas as pd

    found = pd.Index(after.cell_names).get_indexer(pd.Index(before.cell_names[cells.indices]))
    return Cells(found[found >= 0].astype(np.int32))
