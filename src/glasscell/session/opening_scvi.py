"""Opening a model that scvi-tools trained and saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.session.file import need_dataset
from glasscell.session.latent import show_latents
from glasscell.session.work import submit

if TYPE_CHECKING:
    from pathlib import Path

    from glasscell.jobs import Job, JobHandle
    from glasscell.models.bundle import Bundle
    from glasscell.session.core import Core


def open_scvi(session: Core, path: Path) -> Job[Any]:
    """Read the model in the background, encode the open cells with it and make it the current one.

    The caller has shown what this runs and got a yes.
    """
    dataset = need_dataset(session)

    def work(job: JobHandle) -> Bundle:
        from glasscell.models.scvi.opening import load_scvi

        return load_scvi(path, dataset, job)

    def commit(job: Job[Bundle], bundle: Bundle) -> None:
        session.update(model=session.hold("bundle", bundle))
        show_latents(session, bundle)
        for note in bundle.notes:
            session.say("info", note)
        session.say("info", f"Opened {bundle.id}, trained by {bundle.provenance['opened']}.")

    return submit(session, work, commit, title=f"Open scvi-tools model {path.name}", lane="train")
