"""Asking the current model what it expects of cells that are changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.selection import Everything
from glasscell.errors import DataError, ModelError
from glasscell.session.contrasting import GROUP, SELECTED, side
from glasscell.session.file import need_dataset
from glasscell.session.work import set_aside, submit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from glasscell.data.selection import Selection
    from glasscell.explain.perturbation.request import Direction
    from glasscell.explain.perturbation.result import Perturbation
    from glasscell.jobs import Job, JobHandle
    from glasscell.session.core import Core

#: How the titles of these jobs begin.
PERTURBING = "Perturb "
ALL = "all"


@dataclass(frozen=True, eq=False)
class PerturbWish:
    """What the user asks for; ``PerturbationRequest`` is what it becomes on a dataset.

    Parameters
    ----------
    genes, direction, action, name, nets, params, seed
        As in ``PerturbationRequest``.
    cells
        ``all``, ``selection``, ``group:NAME``, ``layer=L5`` as in ``parse_selection``, or a selection.
    """

    genes: tuple[str, ...] = ()
    direction: Direction = "out"
    action: str = ""
    name: str = ""
    cells: str | Selection = ALL
    nets: str = "held_out"
    params: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0


def perturb(session: Core, wish: PerturbWish) -> Job[Any]:
    """Ask in the background; the result becomes ``session.latest("perturbation")``."""
    dataset, bundle, name = need_dataset(session), session.bundle, session.state.dataset
    if bundle is None:
        raise ModelError("There is no model to ask. Train or load one first.")
    cells = chosen_cells(session, wish.cells)
    from glasscell.explain.perturbation.request import PerturbationRequest

    request = PerturbationRequest(
        tuple(wish.genes), wish.direction, wish.action, wish.name, cells, wish.nets, wish.params, wish.seed
    )

    def work(job: JobHandle) -> Perturbation:
        from glasscell.explain.perturbation.perturb import perturb as run

        return run(dataset, bundle, request, job)

    def commit(job: Job[Perturbation], found: Perturbation) -> None:
        now = session.dataset
        if session.state.dataset != name and (now is None or now.fingerprint != dataset.fingerprint):
            set_aside(session, job, "the data changed while it ran, so its result was not used.")
            return
        session.hold("perturbation", found)

    return submit(session, work, commit, title=f"{PERTURBING}{request.title}", lane="compute")


def table(session: Core) -> Callable[[], pd.DataFrame] | None:
    """One row per decoded gene of the last perturbation, or per change of class."""
    found: Perturbation | None = session.latest("perturbation")
    return None if found is None else found.table


def chosen_cells(session: Core, said: str | Selection) -> NDArray[np.int32] | None:
    """Return the cells that a wish names; None for all.

    Raises
    ------
    DataError
        None of them is chosen.
    """
    if said == ALL or isinstance(said, Everything):
        return None
    mask = session.mask(side(session, said))
    if not mask.any():
        raise DataError("None of the cells is chosen. Draw around some, or ask for all cells.")
    return np.flatnonzero(mask).astype(np.int32)


__all__ = ["ALL", "GROUP", "PERTURBING", "SELECTED", "PerturbWish", "chosen_cells", "perturb", "table"]
