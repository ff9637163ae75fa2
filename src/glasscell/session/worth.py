"""Measuring what each gene set is worth to the current model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.errors import NotCompatible
from glasscell.session.file import need_dataset
from glasscell.session.work import set_aside, submit

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from glasscell.explain.worth.result import SetWorth
    from glasscell.jobs import Job, JobHandle
    from glasscell.session.core import Core

#: The kind under which a session holds such a result.
KIND = "set_worth"
#: How the titles of these jobs begin.
MEASURING = "Worth of gene sets of "


def measure_worth(session: Core, *, path: bool = False) -> Job[Any]:
    """Measure in the background; the result becomes ``session.latest("set_worth")``.

    Parameters
    ----------
    path
        Train the model again with weaker and stronger pruning, too.

    Raises
    ------
    NotCompatible
        There is no model with gene sets, or it was trained on other data.
    """
    from glasscell.explain.worth.measure import measure_worth as run
    from glasscell.explain.worth.measure import why_no_worth

    dataset, bundle = need_dataset(session), session.bundle
    if reason := why_no_worth(bundle, dataset):
        raise NotCompatible(reason)
    assert bundle is not None

    def work(job: JobHandle) -> SetWorth:
        return run(dataset, bundle, path=path, job=job)

    def commit(job: Job[SetWorth], found: SetWorth) -> None:
        now = session.dataset
        if now is None or now.fingerprint != found.data:
            set_aside(session, job, "the data changed while it ran, so its result was not used.")
            return
        session.hold(KIND, found)

    return submit(session, work, commit, title=f"{MEASURING}{bundle.id}", lane="train" if path else "compute")


def table(session: Core) -> Callable[[], pd.DataFrame] | None:
    """One row per gene set."""
    found: SetWorth | None = session.latest(KIND)
    return None if found is None else found.table
