"""Teaching the current model a perturbation that it was not trained with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.errors import ModelError, NotCompatible
from glasscell.session.file import need_dataset
from glasscell.session.perturbing import chosen_cells
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
        It cannot learn another perturbation, or all cells are named.
    DataError
        None of the cells is chosen.
    """
    from glasscell.models.learn_action import learn_action as run
    from glasscell.models.learn_action import why_no_new_action

    dataset, bundle, name = need_dataset(session), session.bundle, name.strip()
    if bundle is None:
        raise ModelError("There is no model that could learn. Train or load one first.")
    if reason := why_no_new_action(bundle.folds[0]):
        raise NotCompatible(reason)
    if not name:
        raise NotCompatible("Name the new perturbation first.")
    indices = chosen_cells(session, cells)
    if indices is None:
        raise NotCompatible(
            f"Choose the {dataset.observations} that got {name}: not all {dataset.observations} did."
        )

    def work(job: JobHandle) -> Bundle:
        return run(bundle, dataset, indices, name, job)

    def commit(job: Job[Bundle], found: Bundle) -> None:
        if session.state.model != bundle.id:
            set_aside(session, job, "another model was chosen while it ran, so its result was not used.")
            return
        session.update(model=session.hold("bundle", found))
        session.say("info", f"{found.notes[-1]} It can now be given to others.")

    return submit(session, work, commit, title=f"{LEARNING}{name}", lane="train")


def learning_offer(session: Core) -> tuple[bool, str]:
    """Say whether a perturbation can be learnt now, and what to say beside the button."""
    from glasscell.models.learn_action import why_no_new_action

    if any(job.title.startswith(LEARNING) for job in session.jobs.active):
        return False, "A perturbation is being learnt; cancel it in the list of jobs."
    reason = "" if session.bundle is None else why_no_new_action(session.bundle.folds[0])
    return session.bundle is not None and not reason, reason
