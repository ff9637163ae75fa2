"""Checking what the current model stands; the answer becomes a part of its card."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from glasscell.errors import NotCompatible
from glasscell.session.file import need_dataset
from glasscell.session.work import set_aside, submit

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from glasscell.jobs import Job, JobHandle
    from glasscell.models.robustness import Robustness
    from glasscell.session.core import Core

#: How the titles of these jobs begin.
CHECKING = "Robustness of "


def check_robustness(session: Core, **wish: Any) -> Job[Any]:
    """Check in the background; the answer becomes the current bundle's ``robustness``, saved with it.

    Parameters
    ----------
    wish
        As in ``RobustnessRequest``.

    Raises
    ------
    NotCompatible
        There is no model, or it cannot be checked on the open data.
    """
    from glasscell.explain.robustness.measure import robustness, why_not_robust
    from glasscell.explain.robustness.request import RobustnessRequest

    dataset, bundle = need_dataset(session), session.bundle
    if reason := why_not_robust(bundle, dataset):
        raise NotCompatible(reason)
    assert bundle is not None
    asked, name = RobustnessRequest(**wish), bundle.id

    def work(job: JobHandle) -> Robustness:
        return robustness(dataset, bundle, asked, job)

    def commit(job: Job[Robustness], found: Robustness) -> None:
        kept = session.store.get(("bundle", name))  # it may have got its twin meanwhile
        if kept is None:
            set_aside(session, job, "the model is no longer there, so the answer was not used.")
            return
        session.hold("bundle", replace(kept, robustness=found))

    return submit(session, work, commit, title=f"{CHECKING}{name}", lane="train")


def robustness_offer(session: Core) -> tuple[bool, str]:
    """Say whether the current model can be checked now, and if not why."""
    from glasscell.explain.robustness.measure import why_not_robust

    if any(job.title.startswith(CHECKING) for job in session.jobs.active):
        return False, "It is being checked; cancel it in the list of jobs."
    reason = why_not_robust(session.bundle, session.dataset)
    return not reason, reason


def table(session: Core) -> Callable[[], pd.DataFrame] | None:
    """One row per condition."""
    bundle = session.bundle
    return None if bundle is None or bundle.robustness is None else bundle.robustness.table
