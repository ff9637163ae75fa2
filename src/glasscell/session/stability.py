"""Training the current model again with other seeds, to see which of its factors are found again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.errors import NotCompatible
from glasscell.session.file import need_dataset
from glasscell.session.work import set_aside, submit

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from glasscell.explain.traversal.stability import FactorStability
    from glasscell.jobs import Job, JobHandle
    from glasscell.session.core import Core

#: The kind under which a session holds such a result.
KIND = "stability"
#: How the titles of these jobs begin.
MEASURING = "Stability of "


def measure_stability(session: Core, n_seeds: int) -> Job[Any]:
    """Measure in the background; the result becomes ``session.latest("stability")``.

    Raises
    ------
    NotCompatible
        There is no model, or it cannot be trained again on the open data.
    """
    from glasscell.explain.traversal.stability import measure_stability as run
    from glasscell.explain.traversal.stability import why_no_stability

    dataset, bundle = need_dataset(session), session.bundle
    if reason := why_no_stability(bundle, dataset):
        raise NotCompatible(reason)
    assert bundle is not None

    def work(job: JobHandle) -> FactorStability:
        return run(dataset, bundle, n_seeds, job)

    def commit(job: Job[FactorStability], found: FactorStability) -> None:
        now = session.dataset
        if now is None or now.fingerprint != found.data:
            set_aside(session, job, "the data changed while it ran, so its result was not used.")
            return
        session.hold(KIND, found)

    return submit(session, work, commit, title=f"{MEASURING}{bundle.id}", lane="train")


def stability_words(session: Core, model: str, factor: int) -> str:
    """Say how stable a factor of a model is; empty when it was not measured."""
    found: FactorStability | None = session.latest(KIND)
    return found.words(factor) if found is not None and found.model == model else ""


def stability_offer(session: Core) -> tuple[bool, str]:
    """Say whether stability can be measured now, and what to say beside the button."""
    from glasscell.explain.traversal.stability import why_no_stability

    if any(job.title.startswith(MEASURING) for job in session.jobs.active):
        return False, "The model is being trained with other seeds; cancel it in the list of jobs."
    reason = why_no_stability(session.bundle, session.dataset)
    return not reason, reason


def table(session: Core) -> Callable[[], pd.DataFrame] | None:
    """One row per factor and other run."""
    found: FactorStability | None = session.latest(KIND)
    return None if found is None else found.table
