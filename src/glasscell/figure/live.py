"""The picture a session shows now, written to a file in the background."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import DataError
from glasscell.explain.evidence import has_evidence
from glasscell.figure.attention import attention_figure
from glasscell.figure.cell import CellLook, axes_figure, embedding_figure, tissue_figure
from glasscell.figure.comparison import plan_comparison
from glasscell.figure.page import check_ending, figure_bytes, save_figure
from glasscell.figure.perturbation import plan_perturbation
from glasscell.figure.pick import curve_of, draw_ranking, metrics_of
from glasscell.figure.traversal import plan_traversal
from glasscell.figure.volcano import volcano_figure
from glasscell.jobs import QUIET
from glasscell.session.resolve import Failed, Pending
from glasscell.session.training import TRAINING
from glasscell.session.work import submit
from glasscell.views.attention_picture import attention_picture, shown_attention
from glasscell.views.contrast_picture import contrast_picture
from glasscell.views.paint import selected_cells

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matplotlib.figure import Figure

    from glasscell.data.channel import CellValues, ChannelRef
    from glasscell.jobs import Job, JobHandle
    from glasscell.session import Session
    from glasscell.views.sight import Sight

    Draw = Callable[[JobHandle], Figure]

#: Every picture of a window, by its name in the shell; the words stand in menus.
PICTURES = {
    "tissue": "tissue",
    "embedding": "embedding",
    "ranking": "ranking",
    "curve": "loss curve",
    "metrics": "scores",
    "volcano": "volcano",
    "attention": "attention",
    "traversal": "traversal",
    "perturbation": "perturbation",
    "comparison": "comparison",
}


def plan_picture(session: Session, what: str, sight: Sight | None = None) -> Draw:
    """Take a snapshot of what a session shows and return what draws it, on any thread.

    Parameters
    ----------
    what
        One of ``PICTURES``.
    sight
        How the tissue is looked at: plane, turn, channels; as at first without it.

    Raises
    ------
    DataError
        There is nothing to draw yet; the sentence says what to do.
    """
    if what not in PICTURES:
        raise DataError(f"There is no picture {what!r}; there are {', '.join(PICTURES)}.")
    if what in ("curve", "metrics"):
        return _plan_model(session, what)
    if session.dataset is None:
        raise DataError("No data are open. Open a file first.")
    planned: Draw = {
        "tissue": lambda: _plan_tissue(session, sight),
        "embedding": lambda: _plan_embedding(session),
        "ranking": lambda: _plan_ranking(session),
        "volcano": lambda: _plan_volcano(session),
        "attention": lambda: _plan_attention(session),
        "traversal": lambda: plan_traversal(session),
        "perturbation": lambda: plan_perturbation(session),
        "comparison": lambda: plan_comparison(session),
    }[what]()
    return planned


def save_picture(session: Session, what: str, path: Path, sight: Sight | None = None) -> Job[Any]:
    """Write a picture of a session as SVG or PNG, as it is shown; see :func:`plan_picture`.

    Raises
    ------
    DataError
        There is nothing to draw yet, the colours are not there yet, or the ending is another one.
    """
    check_ending(path.suffix.lower())
    draw = plan_picture(session, what, sight)

    def work(job: JobHandle) -> Path:
        job.report(0.1, f"Drawing the {PICTURES[what]}")
        sheet = draw(job)
        job.report(0.6, f"Writing {path.name}")
        save_figure(sheet, path)
        return path

    def commit(job: Job[Path], written: Path) -> None:
        session.say("info", f"Picture saved to {written}.")

    return submit(session, work, commit, title=f"Save picture {path.name}", lane="io")


def draw_picture(session: Session, what: str, dpi: float = 100.0, sight: Sight | None = None) -> bytes:
    """Return a picture of a session as a PNG, waiting for colours that are being worked out.

    Raises
    ------
    DataError
        There is nothing to draw yet.
    """
    channel = session.state.colouring.channel
    resolved = None if channel is None else session.resolve(channel)
    if isinstance(resolved, Pending):
        resolved.job.wait()
    return figure_bytes(plan_picture(session, what, sight)(QUIET), ".png", dpi)


def _plan_tissue(session: Session, sight: Sight | None) -> Draw:
    dataset, look = session.dataset, _look(session)
    assert dataset is not None
    if dataset.positions_cd is None:
        raise DataError(f"These {dataset.observations} have no positions: save the embedding instead.")
    return lambda job: tissue_figure(dataset, look, sight=sight)


def _plan_embedding(session: Session) -> Draw:
    dataset, views, look = session.dataset, session.state.views, _look(session)
    assert dataset is not None
    if views.axes is None:
        if views.embedding is None:
            raise DataError("There is no embedding yet: prepare the data first.")
        key, components = views.embedding, views.components
        return lambda job: embedding_figure(dataset, look, key=key, components=components)
    x, y = (_values(session, ref) for ref in views.axes)
    if x.values is None or y.values is None:
        raise DataError("An axis needs numbers, not categories: choose a gene or a numeric column.")
    positions_cd = np.column_stack([x.values, y.values]).astype(np.float64)
    first, second = (f"{one.title} ({one.unit})" if one.unit else one.title for one in (x, y))
    return lambda job: axes_figure(dataset, positions_cd, (first, second), look, numbers=True)


def _plan_ranking(session: Session) -> Draw:
    dataset, explanation, bundle = session.dataset, session.explanation, session.bundle
    if explanation is None or bundle is None or dataset is None:
        raise DataError("There is no ranking yet: explain a target first.")
    if not has_evidence(explanation):
        raise DataError("This ranking has no evidence beside it yet: wait for the twin's explanation.")
    selected = selected_cells(session)
    return lambda job: draw_ranking(explanation, bundle, dataset, job, selected)


def _plan_model(session: Session, what: str) -> Draw:
    bundle = session.bundle
    if bundle is None:
        raise DataError("There is no model yet: train or load one first.")
    if what == "curve" and any(job.title.startswith(TRAINING) for job in session.jobs.active):
        raise DataError("A model is being trained: save the loss curve when it has finished.")
    return lambda job: curve_of(bundle) if what == "curve" else metrics_of(bundle)


def _plan_volcano(session: Session) -> Draw:
    found = session.latest("contrast")
    if found is None:
        raise DataError("Nothing is compared yet: compare two groups first.")
    return lambda job: volcano_figure(contrast_picture(found))


def _plan_attention(session: Session) -> Draw:
    found = session.latest("attention")
    if found is None:
        raise DataError("There is no attention yet: ask a model for it first.")
    which, quantity = shown_attention(session, found)
    return lambda job: attention_figure(attention_picture(found, which, quantity))


def _look(session: Session) -> CellLook:
    look = CellLook(None, selected_cells(session), session.state.colouring)
    channel = session.state.colouring.channel
    return look if channel is None else replace(look, values=_values(session, channel))


def _values(session: Session, ref: ChannelRef) -> CellValues:
    resolved = session.resolve(ref)
    if isinstance(resolved, Pending):
        raise DataError("The colours are still being worked out: save the picture when they are shown.")
    if isinstance(resolved, Failed):
        raise DataError(resolved.reason)
    values: CellValues = resolved.values
    return values
