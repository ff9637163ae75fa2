"""Asking the current model for its attention."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.labels import GROUPS
from glasscell.data.selection import Everything
from glasscell.errors import DataError, ModelError
from glasscell.session.file import need_dataset
from glasscell.session.work import set_aside, submit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.data.labels import Labels
    from glasscell.explain.attention.result import Attention
    from glasscell.jobs import Job, JobHandle
    from glasscell.models.bundle import Bundle
    from glasscell.session.context import Context
    from glasscell.session.core import Core

#: How the titles of these jobs begin.
ATTENDING = "Attention by "
#: Groups that are no obs column: what the model predicts, or the domains it finds.
PREDICTED, DOMAINS = "predicted class", "predicted domain"
WHICH = ("all", "selection")


@dataclass(frozen=True, eq=False)
class AttendWish:
    """What the user asks for; ``AttentionRequest`` is what it becomes on a dataset.

    Parameters
    ----------
    by
        An obs column, ``groups`` for the named groups, or ``predicted class``.
    cells
        ``all``, ``selection``, or sorted indices.
    target, nets, params, seed
        As in ``AttentionRequest``.
    """

    by: str
    cells: str | NDArray[np.int32] = "all"
    target: str = ""
    nets: str = "held_out"
    params: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0


def attend(session: Core, wish: AttendWish) -> Job[Any]:
    """Work out attention in the background; the result becomes ``session.latest("attention")``."""
    dataset, bundle, name = need_dataset(session), session.bundle, session.state.dataset
    context = session.context
    assert context is not None
    if bundle is None:
        raise ModelError("There is no model to ask for its attention. Train or load one first.")
    if not wish.by:
        raise DataError("Choose the groups whose attention is averaged, for example a column of labels.")
    cells = _cells(session, wish)

    def work(job: JobHandle) -> Attention:
        from glasscell.explain.attention.attend import attend as run
        from glasscell.explain.attention.request import AttentionRequest

        job.report(None, "Reading groups")
        by = grouping(wish.by, dataset, bundle, context)
        request = AttentionRequest(by, cells, wish.target, wish.nets, wish.params, wish.seed)
        return run(dataset, bundle, request, job)

    def commit(job: Job[Attention], found: Attention) -> None:
        now = session.dataset
        if session.state.dataset != name and (now is None or now.fingerprint != dataset.fingerprint):
            set_aside(session, job, "the data changed while it ran, so its result was not used.")
            return
        session.hold("attention", found)

    return submit(session, work, commit, title=f"{ATTENDING}{wish.by}", lane="compute")


def grouping(by: str, dataset: Dataset, bundle: Bundle, context: Context | None = None) -> Labels:
    """Turn the name of a grouping into one group per cell.

    Raises
    ------
    DataError
        There is no such column, no two groups, or the model predicts no class of these cells.
    """
    from glasscell.data.labels import Labels, labels_from_groups, read_labels

    if by == PREDICTED and PREDICTED not in dataset.obs.columns:
        if not bundle.classes:
            raise DataError("This model predicts no classes: choose a column of groups.")
        rows = bundle.rows(dataset, np.arange(dataset.n_cells))
        chances_ck = np.where((rows >= 0)[:, None], bundle.cells.probabilities_ck[rows], np.nan)
        known = np.isfinite(chances_ck).all(axis=1)
        if not known.any():
            raise DataError("This model was trained on other cells: choose a column of groups.")
        codes = np.where(known, np.nan_to_num(chances_ck).argmax(axis=1), -1).astype(np.int32)
        return Labels(PREDICTED, codes, tuple(bundle.classes))
    if by == DOMAINS and DOMAINS not in dataset.obs.columns:
        return _domains(dataset, bundle)
    if by == GROUPS and context is not None and GROUPS not in dataset.obs.columns:
        return labels_from_groups({group.name: group.cells.mask(context) for group in context.groups})
    return read_labels(dataset, by)


def _domains(dataset: Dataset, bundle: Bundle) -> Labels:
    """Group cells by the domain that the model finds likeliest from their latents."""
    from glasscell.data.labels import Labels
    from glasscell.models.domain import domain_names, domain_of_cells
    from glasscell.session.domain import need_domains

    rows = bundle.rows(dataset, np.arange(dataset.n_cells))
    if not (rows >= 0).any():
        raise DataError("This model was trained on other cells: choose a column of groups.")
    latent_cz = bundle.cells.latent_cz
    net = need_domains(bundle)
    if latent_cz is None:
        raise DataError("This model keeps no latents: choose a column of groups.")
    codes = np.where(rows >= 0, domain_of_cells(net, latent_cz)[rows], -1).astype(np.int32)
    return Labels(DOMAINS, codes, domain_names(net))


def table(session: Core) -> Callable[[], pd.DataFrame] | None:
    """One row per map, group and column of the last attention."""
    found: Attention | None = session.latest("attention")
    return None if found is None else found.table


def _cells(session: Core, wish: AttendWish) -> NDArray[np.int32] | None:
    if not isinstance(wish.cells, str):
        return np.asarray(wish.cells, np.int32)
    if wish.cells not in WHICH:
        raise DataError(f"Cells to ask are {' or '.join(WHICH)}, not {wish.cells!r}.")
    if wish.cells == "all" or isinstance(session.state.selection, Everything):
        return None
    mask = session.mask()
    if not mask.any():
        raise DataError("No cells are selected. Draw around some, or ask for all cells.")
    return np.flatnonzero(mask).astype(np.int32)
