"""Measuring the importance of the current model's named nodes beside control networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.errors import NotCompatible
from glasscell.session.file import need_dataset
from glasscell.session.work import set_aside, submit

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from glasscell.explain.node_importance.result import NodeImportance
    from glasscell.jobs import Job, JobHandle
    from glasscell.session.core import Core

#: The kind under which a session holds such a result.
KIND = "nodes"
#: How the titles of these jobs begin.
MEASURING = "Node importance of "


def measure_nodes(session: Core, n_seeds: int) -> Job[Any]:
    """Train control networks in the background; the result becomes ``session.latest("nodes")``.

    Raises
    ------
    NotCompatible
        There is no model, it has no named nodes, or it cannot be trained again on the open data.
    """
    from glasscell.explain.node_importance.measure import node_importance, why_no_nodes

    dataset, bundle = need_dataset(session), session.bundle
    if reason := why_no_nodes(bundle, dataset):
        raise NotCompatible(reason)
    assert bundle is not None

    def work(job: JobHandle) -> NodeImportance:
        return node_importance(dataset, bundle, n_seeds, job)

    def commit(job: Job[NodeImportance], found: NodeImportance) -> None:
        now = session.dataset
        if now is None or now.fingerprint != found.data:
            set_aside(session, job, "the data changed while it ran, so its result was not used.")
            return
        session.hold(KIND, found)

    return submit(session, work, commit, title=f"{MEASURING}{bundle.id}", lane="train")


def nodes_now(session: Core) -> NodeImportance | None:
    """Return the latest result, if it is of the current model."""
    found: NodeImportance | None = session.latest(KIND)
    return found if found is not None and found.model == session.state.model else None


def has_nodes(session: Core) -> bool:
    """Tell whether the current model is made of named nodes."""
    from glasscell.models.capability.structure import HasNodes

    return session.bundle is not None and isinstance(session.bundle.folds[0], HasNodes)


def nodes_offer(session: Core) -> tuple[bool, str]:
    """Say whether node importance can be measured now, and if not why."""
    from glasscell.explain.node_importance.measure import why_no_nodes

    if any(job.title.startswith(MEASURING) for job in session.jobs.active):
        return False, "Control networks are being trained; cancel them in the list of jobs."
    reason = why_no_nodes(session.bundle, session.dataset)
    return not reason, reason


def table(session: Core) -> Callable[[], pd.DataFrame] | None:
    """One row per class and node."""
    found: NodeImportance | None = session.latest(KIND)
    return None if found is None else found.table
