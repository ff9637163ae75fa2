"""Sweeping the factors of a model, and painting what a slider's position does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glasscell.data.selection import Everything, Selection
from glasscell.errors import DataError
from glasscell.jobs import Outcome
from glasscell.session.contrasting import REST, side
from glasscell.session.file import need_dataset
from glasscell.session.work import set_aside, submit

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from glasscell.explain.traversal import Traversal
    from glasscell.explain.traversal.cell_map import CellMap
    from glasscell.jobs import Job, JobHandle
    from glasscell.session.core import Core

#: How the titles of these jobs begin.
TRAVERSING = "Traverse "
ALL = "all"
#: Up to this many decoded numbers the steps beside the slider are worked out before they are asked for.
MOST_AHEAD = 2_000_000_000
#: Steps worked out together ahead of the slider: their cells are gathered once.
AT_ONCE = 3
_SLIDE, _AHEAD = ("traversal", "slide"), ("traversal", "ahead")


@dataclass(frozen=True)
class TraverseWish:
    """What the user asks for.

    Parameters
    ----------
    start
        ``all``, or a selection or text as a side of a contrast: ``selection``, ``group:NAME``, ``layer=L5``.
    start_name
        How people call it; the text itself when empty.
    factors, sample, nearest, seed
        As in ``TraverseRequest``.
    """

    start: Selection | str = ALL
    start_name: str = ""
    factors: tuple[int, ...] | None = None
    sample: int = 64
    nearest: int = 20
    seed: int = 0


@dataclass(frozen=True)
class Position:
    """Where a slider stands: which factor of which result at which step, and the gene to show."""

    result: str
    gene: str
    factor: int
    step: int


def traverse(session: Core, wish: TraverseWish) -> Job[Any]:
    """Sweep in the background; the result becomes ``session.latest("traversal")``."""
    from glasscell.explain.traversal.request import TraverseRequest, need_decoder

    dataset, bundle, name = need_dataset(session), session.bundle, session.state.dataset
    need_decoder(bundle)
    assert bundle is not None
    if wish.start == REST:
        raise DataError("Choose cells to start from.")
    whole = wish.start == ALL or isinstance(wish.start, Everything)
    mask = None if whole else session.mask(side(session, wish.start))
    said = wish.start if isinstance(wish.start, str) else "chosen cells"
    start_name = wish.start_name or ("all cells" if whole else said)
    request = TraverseRequest(mask, start_name, wish.factors, wish.sample, wish.nearest, wish.seed)
    request.cells(dataset.n_cells)

    def work(job: JobHandle) -> Traversal:
        from glasscell.explain.traversal.traverse import traverse as run

        return run(dataset, bundle, request, job)

    def commit(job: Job[Traversal], found: Traversal) -> None:
        now = session.dataset
        if session.state.dataset != name and (now is None or now.fingerprint != dataset.fingerprint):
            set_aside(session, job, "the data changed while it ran, so its result was not used.")
            return
        session.light(None)
        session.hold("traversal", found)

    return submit(session, work, commit, title=f"{TRAVERSING}{bundle.id} from {start_name}", lane="compute")


def table(session: Core) -> Callable[[], pd.DataFrame] | None:
    """One row per factor and gene of the last traversal."""
    found: Traversal | None = session.latest("traversal")
    return None if found is None else found.table


class Slides:
    """The slider of a session: its last position wins, and no position waits behind another."""

    def __init__(self, session: Core) -> None:
        self._session = session
        self._wanted: Position | None = None

    def to(
        self, gene: str, factor: int, step: int, *, moving: bool = False, light: bool = True
    ) -> Job[Any] | None:
        """Paint both views by the decoded change of a gene with a factor set to a step's value.

        Parameters
        ----------
        moving
            The slider is being dragged: what is shown then is one undo step with where it is let go.
        light
            Whether the nearest real cells stand out.

        Returns
        -------
        None when it is shown already; else the job that works it out.

        Raises
        ------
        DataError
            Nothing was traversed, or the gene, factor or step is unknown.
        """
        session, found = self._session, self._found()
        if not 0 <= step < found.n_steps:
            raise DataError(f"There is no step {step}: a sweep has 0 to {found.n_steps - 1}.")
        kept = self._map(found, gene, factor)
        position = self._wanted = Position(found.id, gene, factor, step)
        needed = [one for one in (*kept.ends, step) if not kept.done[one]]
        if not needed:
            self._show(found, kept, position, moving, light)
            return None
        dataset, bundle = need_dataset(session), session.context.bundle(found.model)  # type: ignore[union-attr]

        def work(job: JobHandle) -> None:
            kept.fill(needed, dataset, bundle, job)

        def done(job: Job[None]) -> None:
            if job.outcome is Outcome.FAILED and job.error is not None:
                session.report(job.error, "Decoding")
            elif job.outcome is Outcome.DONE and self._wanted == position and self._is_latest(found):
                self._show(found, kept, position, moving, light)

        return session.jobs.submit(work, title=f"Decode {gene}", lane="view", key=_SLIDE, on_done=done)

    def _is_latest(self, found: Traversal) -> bool:
        return self._session.latest("traversal") is found

    def _found(self) -> Traversal:
        found: Traversal | None = self._session.latest("traversal")
        if found is None:
            raise DataError("Nothing is traversed yet: choose where to start and sweep first.")
        return found

    def _map(self, found: Traversal, gene: str, factor: int) -> CellMap:
        from glasscell.explain.traversal.channel import cell_map

        return cell_map(self._session, found, gene, factor)

    def _show(self, found: Traversal, kept: CellMap, position: Position, moving: bool, light: bool) -> None:
        from glasscell.data.channel import resolve_channel
        from glasscell.explain.traversal.channel import traversal_ref

        session = self._session
        ref = traversal_ref(found, position.gene, position.factor, position.step)
        resolve_channel(session.context, ref)  # a look-up now; the views find it in the store
        near = found.nearest.cells_ksm[kept.row, position.step] if light else None
        same = session.state.colouring.channel == ref
        session.light(near, tell=same)
        limit = kept.limit or 1e-3
        session.update(channel=ref, limits=(-limit, limit), transient=moving)
        self._look_ahead(found, kept, position)

    def _look_ahead(self, found: Traversal, kept: CellMap, position: Position) -> None:
        """Work out the nearest steps not known yet, and so on, unless the slider stands elsewhere by then."""
        session = self._session
        steps = kept.next_after(position.step, AT_ONCE)
        work_left = len(found.start) * len(found.genes) * found.n_steps
        if not steps or work_left > MOST_AHEAD or self._wanted != position or session.jobs.closed:
            return
        dataset, bundle = need_dataset(session), session.context.bundle(found.model)  # type: ignore[union-attr]

        def work(job: JobHandle) -> None:
            kept.fill(steps, dataset, bundle, job)

        def done(job: Job[None]) -> None:
            if job.outcome is Outcome.DONE and self._is_latest(found):
                self._look_ahead(found, kept, position)

        title = f"Decode {position.gene} ahead"
        session.jobs.submit(work, title=title, lane="view", key=_AHEAD, priority=1, on_done=done)
