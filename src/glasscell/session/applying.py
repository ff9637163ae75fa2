"""A model applied to the open data, and what it says as channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from glasscell.data.channel import CellValues, ChannelRef
from glasscell.data.class_colour import class_colours
from glasscell.errors import DataError, ModelError
from glasscell.models.prediction import probability_words
from glasscell.session.file import need_dataset
from glasscell.session.work import set_aside, submit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glasscell.jobs import Job, JobHandle
    from glasscell.models.applied import Applied
    from glasscell.session.context import Context
    from glasscell.session.core import Core

#: Channels of an applied model, with what search calls them.
KEYS = {
    "label": "applied: predicted label",
    "probability": "applied: probability",
    "typicality": "applied: typicality",
    "flagged": "applied: unlike the training cells",
}


def apply_model(session: Core, rename: Mapping[str, str] | str = "", min_overlap: float = 0.5) -> Job[Any]:
    """Apply the current model to the open data in the background and colour by what it says.

    Raises
    ------
    ModelError
        There is no model.
    DataError
        No data are open.
    """
    dataset, bundle = need_dataset(session), session.bundle
    if bundle is None:
        raise ModelError("There is no model to apply. Train or load one first.")

    def work(job: JobHandle) -> Applied:
        from glasscell.models.apply import apply

        return apply(bundle, dataset, job, rename=rename, min_overlap=min_overlap)

    def commit(job: Job[Applied], found: Applied) -> None:
        session.store.put(("applied", found.id), found)
        now = session.dataset
        if now is None or now.fingerprint != found.data_fingerprint:
            set_aside(session, job, "other data were opened meanwhile; apply the model again there.")
            return
        key = "label" if found.classes else "flagged"
        session.update(channel=ChannelRef.make("applied", key, applied=found.id))
        session.stored.emit("applied", found.id)
        for note in found.notes:
            session.say("info", note)

    return submit(session, work, commit, title=f"Apply {bundle.id}", lane="compute")


def applied_now(session: Core) -> Applied | None:
    """Return what the current model said of the open data, if it was asked and is still in memory."""
    dataset, bundle = session.dataset, session.bundle
    if dataset is None or bundle is None:
        return None
    name = f"{bundle.id}@{dataset.fingerprint[:12]}"
    return cast("Applied | None", session.store.get(("applied", name)))


def resolve_applied(context: Context, ref: ChannelRef) -> CellValues:
    """Return what an applied model says of each cell.

    ``label`` and ``probability`` are missing where nothing could be said; ``typicality`` is the share of
    training-like cells as far off; ``flagged`` cells are unlike the training cells.

    Raises
    ------
    DataError
        The result has gone, is of other data, or there is no such channel.
    """
    if ref.key not in KEYS:
        raise DataError(f"An applied model gives {', '.join(KEYS)}, not {ref.key!r}.")
    found = cast("Applied | None", context.store.get(("applied", str(ref.param("applied", "")))))
    if found is None:
        raise DataError("What the model said of these data is no longer in memory; apply it again.")
    if found.data_fingerprint != context.dataset.fingerprint:
        raise DataError("The model was applied to other data; apply it to these.")
    if ref.key in ("label", "probability") and not found.classes:
        raise DataError("This model predicts no classes; colour by its typicality instead.")
    share = f"{found.flagged_share:.0%} of the cells are unlike the training cells"
    if ref.key == "label":
        title = f"{found.labels_name}, applied"
        palette = class_colours(context, found.labels_name, found.classes)
        return CellValues(title, codes=found.codes, categories=found.classes, palette=palette, note=share)
    if ref.key == "probability":
        highest = found.probabilities_ck.max(axis=1)
        title, unit = probability_words(found.calibrated, "calibrated at home")
        return CellValues(title, unit, highest, note=share)
    if ref.key == "typicality":
        return CellValues("typicality", "share of training-like cells", found.typicality_c, note=share)
    codes = np.where(found.flagged, 1, 0).astype(np.int32)
    categories = ("like the training cells", "unlike them")
    return CellValues("range of the model", codes=codes, categories=categories)
