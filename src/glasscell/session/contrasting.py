"""Comparing two groups of cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.selection import Everything, Selection, parse_selection
from glasscell.errors import DataError
from glasscell.session.file import need_dataset
from glasscell.session.work import set_aside, submit

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from glasscell.explain.contrast import Contrast, ContrastRequest
    from glasscell.explain.contrast_unit import Unit
    from glasscell.jobs import Job, JobHandle
    from glasscell.session.core import Core

#: How the titles of these jobs begin.
COMPARING = "Compare "
SELECTED, REST, GROUP = "selection", "rest", "group:"
NOT_COVERED = (
    "No current explanation covers cells of both sides, so only expression is compared. "
    "For the model's side explain all cells (Attribution, In), then compare again."
)


@dataclass(frozen=True)
class ContrastWish:
    """What the user asks for; ``ContrastRequest`` is what it becomes on a dataset.

    Parameters
    ----------
    a, b
        Each a selection or a text: ``selection``, ``group:NAME``, ``condition=stim`` as in
        ``parse_selection``; ``b`` may be ``rest``, all cells not in A.
    a_name, b_name
        How people call them; the text itself when empty.
    unit
        ``auto``, ``cells`` or ``donors``.
    donor, condition
        As in ``find_design``.
    independent
        The user vouches that the groups were not made from these counts.
    """

    a: Selection | str
    b: Selection | str = REST
    a_name: str = ""
    b_name: str = ""
    unit: Unit = "auto"
    donor: str = ""
    condition: str = ""
    independent: bool = False


def contrast(session: Core, wish: ContrastWish) -> Job[Any]:
    """Compare in the background; the result becomes ``session.latest("contrast")``."""
    dataset, name, context = need_dataset(session), session.state.dataset, session.context
    a = side(session, wish.a)
    b = ~a if wish.b == REST else side(session, wish.b)
    masks = session.mask(a), session.mask(b)
    explanation = session.explanation
    covered = (
        explanation is not None
        and explanation.n_cells == dataset.n_cells
        and all(len(explanation.rows(mask)) for mask in masks)
    )
    modelled = session.bundle is not None
    a_name = wish.a_name or (wish.a if isinstance(wish.a, str) else "A")
    b_name = wish.b_name or (wish.b if isinstance(wish.b, str) else "B")

    honest = frozenset(group.cells.digest for group in session.state.groups if group.independent)

    def request() -> ContrastRequest:
        from glasscell.data.design import find_design
        from glasscell.explain.contrast import ContrastRequest
        from glasscell.explain.contrast_origin import same_counts

        notes = [NOT_COVERED] if (explanation is not None or modelled) and not covered else []
        circular = "" if wish.independent else same_counts(a, b, dataset, honest)
        return ContrastRequest(
            *masks,
            a_name,
            b_name,
            find_design(dataset, wish.donor, wish.condition),
            wish.unit,
            circular,
            explanation if covered else None,
            tuple(notes),
        )

    def work(job: JobHandle) -> Contrast:
        from glasscell.explain.contrast import contrast as run

        return run(dataset, request(), job)

    def commit(job: Job[Contrast], compared: Contrast) -> None:
        now = session.dataset
        if session.state.dataset != name and (now is None or now.fingerprint != dataset.fingerprint):
            set_aside(session, job, "the data changed while it ran, so its result was not used.")
            return
        session.hold("contrast", compared)

    assert context is not None
    return submit(session, work, commit, title=f"{COMPARING}{a_name} with {b_name}", lane="compute")


def side(session: Core, said: Selection | str) -> Selection:
    """Turn one side into a selection.

    Raises
    ------
    DataError
        Nothing is selected, or the text names nothing known.
    """
    if isinstance(said, Selection):
        return said
    if said == SELECTED:
        if isinstance(session.state.selection, Everything):
            raise DataError("No cells are selected. Draw around some, or choose a group for this side.")
        return session.state.selection
    if said.startswith(GROUP):
        wanted = said.removeprefix(GROUP)
        for group in session.state.groups:
            if group.name == wanted:
                return group.cells
        raise DataError(f'There is no group called "{wanted}".')
    if said == REST:
        raise DataError("Only B can be the rest; choose cells for A.")
    return parse_selection(said, need_dataset(session))


def table(session: Core) -> Callable[[], pd.DataFrame] | None:
    """One row per gene of the last contrast."""
    compared: Contrast | None = session.latest("contrast")
    return None if compared is None else compared.table


def listed_genes(compared: Contrast, k: int, by: str, which: str) -> list[str]:
    """Return the genes of one side that a gene set is asked for: those that lead and lean to that side."""
    places = compared.order_of(
        "attribution" if by == "attribution" else "expression", "b" if which == "b" else "a"
    )
    model = compared.attribution
    values_g = model.values_g if by == "attribution" and model is not None else compared.tested.score_g
    sign = -1.0 if which == "b" else 1.0
    leaning = places[sign * np.asarray(values_g)[places] > 0]
    return [compared.genes[int(g)] for g in leaning[:k]]
