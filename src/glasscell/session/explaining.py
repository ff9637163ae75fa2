"""Explaining the current model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.selection import Everything
from glasscell.errors import DataError, ModelError
from glasscell.session.cells import class_mask
from glasscell.session.file import need_dataset
from glasscell.session.work import set_aside, submit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from glasscell.explain.result import Explanation
    from glasscell.jobs import Job, JobHandle
    from glasscell.models.bundle import Bundle
    from glasscell.session.core import Core

#: How the titles of these jobs begin.
EXPLAINING = "Explain "
WHICH = ("all", "selection", "class")


@dataclass(frozen=True, eq=False)
class ExplainWish:
    """What the user asks for; ``ExplainRequest`` is what it becomes on a dataset.

    Parameters
    ----------
    target
        For example ``class:L5``.
    cells
        ``all``, ``selection``, ``class`` (the target's), or sorted indices.
    method, baseline, params, nets
        As in ``ExplainRequest``.
    """

    target: str
    cells: str | NDArray[np.int32] = "all"
    method: str = "integrated_gradients"
    baseline: str = "other_classes"
    params: Mapping[str, Any] = field(default_factory=dict)
    nets: str = "held_out"


def explain(session: Core, wish: ExplainWish) -> Job[Any]:
    """Explain the current model in the background and show the result."""
    dataset, bundle, name = need_dataset(session), session.bundle, session.state.dataset
    if bundle is None:
        raise ModelError("There is no model to explain. Train or load one first.")
    cells = choose_cells(session, wish, bundle)

    def work(job: JobHandle) -> Explanation:
        from glasscell.explain.explain import explain as run
        from glasscell.explain.request import ExplainRequest

        request = ExplainRequest(
            method=wish.method,
            target=wish.target,
            cells=cells,
            baseline=wish.baseline,
            params=wish.params,
            nets=wish.nets,
        )
        return run(dataset, bundle, request, job)

    def commit(job: Job[Explanation], explanation: Explanation) -> None:
        now = session.dataset
        if session.state.dataset != name and (now is None or now.fingerprint != dataset.fingerprint):
            set_aside(session, job, "the data changed while it ran, so its result was not used.")
            return
        if session.state.model != bundle.id:
            set_aside(session, job, "another model was chosen while it ran, so its result was not used.")
            return
        session.update(explanation=session.hold("explanation", explanation))
        latest = session.bundle
        if explanation.twin is None and latest is not None and latest.twin is not None:
            add_twin(session, latest, explanation)

    return submit(session, work, commit, title=f"{EXPLAINING}{wish.target}", lane="compute")


def choose_cells(session: Core, wish: ExplainWish, bundle: Bundle) -> NDArray[np.int32] | None:
    """Return the indices to explain, None for all; an empty choice is refused."""
    if not isinstance(wish.cells, str):
        return np.asarray(wish.cells, np.int32)
    if wish.cells not in WHICH:
        raise DataError(f"Cells to explain are {', '.join(WHICH)}, not {wish.cells!r}.")
    selected = wish.cells == "selection" and not isinstance(session.state.selection, Everything)
    if wish.cells == "all" or (wish.cells == "selection" and not selected):
        return None
    mask = session.mask() if selected else class_mask(bundle, need_dataset(session), wish.target)
    if not mask.any():
        raise DataError("No cells are chosen to be explained. Select some on the tissue or in the embedding.")
    return np.flatnonzero(mask).astype(np.int32)


def add_twin(session: Core, bundle: Bundle, explanation: Explanation) -> Job[Any]:
    """Explain the twin as well, so that the ranking can be judged; the explanation keeps its id."""
    dataset = need_dataset(session)

    def work(job: JobHandle) -> Explanation:
        from glasscell.explain.explain import with_twin

        return with_twin(explanation, dataset, bundle, job)

    def commit(job: Job[Explanation], twinned: Explanation) -> None:
        session.hold("explanation", twinned)

    return submit(session, work, commit, title=f"Twin ranks of {explanation.target}", lane="compute")
