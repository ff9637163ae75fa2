"""Teaching the current model a perturbation that it was not trained with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import ModelError, NotCompatible
from glasscell.session.file import need_dataset
from glasscell.session.perturbing import chosen_cells
from glasscell.session.training import TWIN
from glasscell.session.work import set_aside, submit

if TYPE_CHECKING:
    from glasscell.data.selection import Selection
    from glasscell.jobs import Job, JobHandle
    from glasscell.models.bundle import Bundle
    from glasscell.session.core import Core

#: How the titles of these jobs begin.
LEARNING = "Learn "


def learn_action(session: Core, name: str, cells: str | Selection) -> Job[Any]:
    """Learn in the background what was done to these cells; the model that knows it becomes the current one.

    Raises
    ------
    ModelError
        There is no model.
    NotCompatible
        It cannot learn another perturbation, its twin is still in training, or there is no name.
    DataError
        None of the cells is chosen.
    """
    from glasscell.models.learn_action import learn_action as run

    dataset, bundle, name = need_dataset(session), session.bundle, name.strip()
    if bundle is None:
        raise ModelError("There is no model that could learn. Train or load one first.")
    if reason := why_not_now(session, bundle):
        raise NotCompatible(reason)
    if not name:
        raise NotCompatible("Name the new perturbation first.")
    chosen = chosen_cells(session, cells)
    indices = np.arange(dataset.n_cells, dtype=np.int32) if chosen is None else chosen

    def work(job: JobHandle) -> Bundle:
        return run(bundle, dataset, indices, name, job)

    def commit(job: Job[Bundle], found: Bundle) -> None:
        now = session.bundle
        if now is None or now.id != bundle.id:
            set_aside(session, job, "another model was chosen while it ran, so its result was not used.")
            return
        found = replace(found, robustness=now.robustness)  # it may have been checked meanwhile
        session.update(model=session.hold("bundle", found))
        session.say("info", f"{found.notes[-1]} It can now be given to other {dataset.observations}.")

    return submit(session, work, commit, title=f"{LEARNING}{name}", lane="train")


def why_not_now(session: Core, bundle: Bundle) -> str:
    """Say why a model cannot learn a perturbation now; empty when it can."""
    from glasscell.models.learn_action import why_no_new_action

    if any(job.title.startswith(LEARNING) for job in session.jobs.active):
        return "A perturbation is being learnt; cancel it in the list of jobs."
    if any(job.title == f"{TWIN}{bundle.id}" for job in session.jobs.active):
        return "The model's twin is in training: wait for it, or cancel it in the list of jobs."
    return why_no_new_action(bundle.folds[0])
