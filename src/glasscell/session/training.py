"""Training, saving and loading models."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.labels import GROUPS
from glasscell.errors import ModelError
from glasscell.session.file import make_params, need_dataset
from glasscell.session.latent import show_latents
from glasscell.session.work import set_aside, submit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from glasscell.jobs import Job, JobHandle
    from glasscell.models.bundle import Bundle
    from glasscell.models.fit import FitRequest
    from glasscell.session.context import Context
    from glasscell.session.core import Core

#: How the titles of training jobs begin; a twin's is another.
TRAINING = "Train on "
TWIN = "Twin of "


@dataclass(frozen=True)
class FitWish:
    """What the user asks for; ``FitRequest`` is what it becomes on a dataset.

    Parameters
    ----------
    labels
        An obs column, or ``groups`` for the named groups; empty for a family that learns without labels.
    split
        A scheme; None for the strictest the data allow, and without labels for a random tenth held out.
    family, params, seed, device
        As in ``FitRequest``.
    batch
        An obs column whose effect is taken out; empty for none.
    action, control
        An obs column that says what was done to each cell, and the name of the control in it (empty: the
        one called so); for families that learn perturbations.
    """

    labels: str = ""
    split: str | None = None
    family: str = "classifier"
    params: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    device: str = "auto"
    batch: str = ""
    action: str = ""
    control: str = ""


def fit(session: Core, wish: FitWish) -> Job[Any]:
    """Train one net per fold in the background, show the model, then train its twin."""
    dataset = need_dataset(session)
    context = session.context
    assert context is not None
    made: list[FitRequest] = []

    def work(job: JobHandle) -> Bundle:
        from glasscell.models.fit import fit as run

        job.report(None, "Reading labels")
        made.append(make_request(wish, context))
        return run(dataset, made[0], job)

    def commit(job: Job[Bundle], bundle: Bundle) -> None:
        session.hold("bundle", bundle)
        now = session.dataset
        if now is None or not (bundle.rows(now, np.arange(now.n_cells)) >= 0).any():
            reason = (
                f"other data were opened meanwhile; {bundle.id} is kept, but it knows none of these cells."
            )
            set_aside(session, job, reason)
            return
        train_twin(session, bundle, made[0], context)
        session.update(model=bundle.id)
        show_latents(session, bundle, wish.seed)
        for note in bundle.notes:
            session.say("info", note)

    what = wish.labels or f"all cells ({wish.family})"
    return submit(session, work, commit, title=f"{TRAINING}{what}", lane="train")


def make_request(wish: FitWish, context: Context) -> FitRequest:
    """Turn a wish into labels and folds of a dataset."""
    from glasscell.data.labels import labels_from_groups, read_labels
    from glasscell.data.split import default_scheme
    from glasscell.data.split import split as make_split
    from glasscell.models.fit import FitRequest
    from glasscell.models.registry import family

    dataset, params = context.dataset, make_params(family(wish.family).params, wish.params)
    batch = read_labels(dataset, wish.batch) if wish.batch else None
    action = read_labels(dataset, wish.action) if wish.action else None
    done: dict[str, Any] = {"batch": batch, "action": action, "control": wish.control}
    if not wish.labels:
        folds = make_split(dataset, wish.split, seed=wish.seed) if wish.split else None
        return FitRequest(None, folds, wish.family, params, wish.seed, wish.device, **done)
    if wish.labels == GROUPS and GROUPS not in dataset.obs.columns:
        labels = labels_from_groups({group.name: group.cells.mask(context) for group in context.groups})
    else:
        labels = read_labels(dataset, wish.labels)
    folds = make_split(dataset, wish.split or default_scheme(dataset), seed=wish.seed, labels=labels)
    return FitRequest(labels, folds, wish.family, params, wish.seed, wish.device, **done)


def train_twin(session: Core, bundle: Bundle, request: FitRequest, context: Context) -> Job[Any]:
    """Train the twin, which can learn nothing of what is asked, when the train lane has nothing better to do.

    It learns permuted labels, or without labels redrawn counts.
    """

    def work(job: JobHandle) -> Bundle:
        from glasscell.models.fit import fit_twin

        return fit_twin(bundle, context.dataset, request, job)

    def commit(job: Job[Bundle], twinned: Bundle) -> None:
        if twinned.twin is None:
            return
        kept = session.store.get(("bundle", twinned.id))
        if kept is not None:  # what it stands may have been checked meanwhile
            twinned = replace(twinned, robustness=kept.robustness)
        session.hold("bundle", twinned)
        explanation = session.explanation
        if explanation is not None and explanation.provenance.model == twinned.fingerprint:
            from glasscell.session.explaining import add_twin

            add_twin(session, twinned, explanation)

    return submit(session, work, commit, title=f"{TWIN}{bundle.id}", lane="train", priority=1)


def save_model(session: Core, path: Path) -> Job[Any]:
    """Write the current model to a folder in the background."""
    bundle = session.bundle
    if bundle is None:
        raise ModelError("There is no model to save. Train or load one first.")

    def work(job: JobHandle) -> Path:
        from glasscell.models.bundle_file import save_bundle

        job.report(None, f"Writing {path.name}")
        save_bundle(bundle, path)
        return path

    def commit(job: Job[Path], written: Path) -> None:
        session.say("info", f"Model saved to {written}.")

    return submit(session, work, commit, title=f"Save model {path.name}", lane="io")


def load_model(session: Core, path: Path) -> Job[Any]:
    """Read a model from a folder in the background and make it the current one."""

    def work(job: JobHandle) -> Bundle:
        from glasscell.models.bundle_file import load_bundle

        job.report(None, f"Reading {path.name}")
        return load_bundle(path)

    def commit(job: Job[Bundle], bundle: Bundle) -> None:
        session.update(model=session.hold("bundle", bundle))
        show_latents(session, bundle)
        learnt = f"trained on {bundle.labels_name} ({', '.join(bundle.classes)})"
        session.say("info", f"Loaded {bundle.id}, {learnt if bundle.classes else 'trained without labels'}.")

    return submit(session, work, commit, title=f"Load model {path.name}", lane="io")
