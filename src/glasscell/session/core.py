"""What a session shows and how that changes; what it can do stands in ``session.py``."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, cast

from psygnal import Signal

from glasscell.data.selection import Selection, refresh
from glasscell.errors import DataError
from glasscell.jobs import Dispatcher, JobRunner
from glasscell.session.carry import carry, first_state
from glasscell.session.context import Context
from glasscell.session.facts import FactBook
from glasscell.session.history import History
from glasscell.session.resolve import Columns, Failed, Resolved
from glasscell.session.rules import Facts, normalize
from glasscell.session.spill import FolderSpill
from glasscell.session.state import State
from glasscell.session.store import Key, Store
from glasscell.session.user import Users
from glasscell.session.voice import Voice

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from glasscell.data.channel import ChannelRef
    from glasscell.data.dataset import Dataset
    from glasscell.explain.result import Explanation
    from glasscell.models.bundle import Bundle


#: Said to whoever still shows a session that is closed for all.
ENDED = "This session was closed elsewhere; open the data again to go on."


class Result(Protocol):
    """Something made of data, known by its id."""

    @property
    def id(self) -> str:
        """Short name, unique among results of its kind."""
        ...


class Core(Voice):
    """The current state, the heavy things it names, and its past.

    ``changed(new, old)`` comes in the order of the changes, also when a listener changes the state again.
    ``hovered(cell or None)`` and ``message(level, text)`` are light and leave no trace in the state.
    ``stored(kind, name)`` says that a result gained content under the name it had (a twin was added).
    """

    changed = Signal(State, State, reemission="queued")
    stored = Signal(str, str)
    restored = Signal(dict)  # camera and point size per picture, after a session was opened
    made = Signal(str)  # the latest result of this kind is another
    closed = Signal()

    def __init__(self, dispatcher: Dispatcher | None = None, *, limit_bytes: int | None = None) -> None:
        super().__init__()
        self.state = State()
        self.jobs = JobRunner(dispatcher)
        self.users = Users(self)
        self._spill = FolderSpill()
        self.store = Store(limit_bytes, kept=self._is_shown, spill=self._spill)
        self.facts_of = FactBook()
        self._latest: dict[str, str] = {}  # id of the latest result of each kind
        self.as_read: set[str] = set()  # datasets that are as their files are
        self._columns = Columns(self.store, self.jobs)
        self._history = History()
        self._versions = itertools.count(1)

    @property
    def context(self) -> Context | None:
        """What a channel is resolved in, as a snapshot; None without a dataset."""
        return self._context(self.state)

    @property
    def dataset(self) -> Dataset | None:
        """The open dataset."""
        return cast("Dataset | None", self.store.get(("dataset", self.state.dataset)))

    @property
    def bundle(self) -> Bundle | None:
        """The current model with its folds and figures."""
        return cast("Bundle | None", self.store.get(("bundle", self.state.model)))

    @property
    def explanation(self) -> Explanation | None:
        """The current explanation."""
        return cast("Explanation | None", self.store.get(("explanation", self.state.explanation)))

    @property
    def facts(self) -> Facts:
        """What the rules know of the open dataset and of all results."""
        return self.facts_of.of(self.state.dataset)

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        self._prune()
        return self._history.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to take again."""
        self._prune()
        return self._history.can_redo

    def update(self, *, transient: bool = False, **wish: Any) -> None:
        """Wish for other values of the state's fields, in one step.

        Parameters
        ----------
        transient
            Part of a gesture such as a slider's: shown, but merged into one undo step when a plain update
            comes.
        wish
            Fields of :class:`State`, :class:`Colouring` or :class:`Views`; what cannot be is put right by
            the rules.
        """
        wanted = self.state.with_wish(**wish)
        context = self._context(wanted)
        if "selection" in wish and context is not None:
            selection, said = refresh(wanted.selection, context)
            wanted = replace(wanted, selection=selection)
            for text in said:
                self.say("info", text)
        self._set(normalize(wanted, self.facts_of.of(wanted.dataset)), transient=transient)

    def undo(self) -> None:
        """Go one step back; model and explanation stay."""
        self._prune()
        self._travel(self._history.undo(self.state))

    def redo(self) -> None:
        """Take the step again that was undone last."""
        self._prune()
        self._travel(self._history.redo(self.state))

    def mask(self, selection: Selection | None = None) -> NDArray[np.bool_]:
        """Return which cells are selected, bool of shape ``(n_cells,)``, read-only.

        Raises
        ------
        DataError
            No dataset is open, or the selection cannot be worked out.
        """
        context = self.context
        if context is None:
            raise DataError("No data are open. Open a file first.")
        selection = self.state.selection if selection is None else selection
        key: Key = ("mask", selection, context.name)
        mask = self.store.get(key)
        if mask is None:
            mask = selection.mask(context)
            self.store.put(key, mask, mask.nbytes)
        return cast("NDArray[np.bool_]", mask)

    def resolve(self, ref: ChannelRef) -> Resolved:
        """Return a channel's values (Ready), the job that makes them (Pending), or why not (Failed)."""
        context = self.context
        return (
            Failed("No data are open. Open a file first.")
            if context is None
            else self._columns.resolve(ref, context)
        )

    def adopt(self, dataset: Dataset, *, fresh: bool, as_read: bool = False) -> None:
        """Show another dataset: a fresh one (``as_read``: as its file is), or the next version of it."""
        before = self.context
        name = f"{dataset.fingerprint}.{next(self._versions)}"
        self.store.put(("dataset", name), dataset)
        if as_read:
            self.as_read.add(name)
        facts = self.facts_of.add_dataset(name, dataset)
        self._columns.forget_failures()
        if fresh or before is None:
            wish = first_state(facts, self.state)
        else:
            after = Context(dataset, name, self.store, self.state.groups)
            wish, said = carry(self.state, before, after, facts)
            for text in said:
                self.say("info", text)
        self._set(normalize(wish, facts))
        reachable = self._history.datasets() | {name}
        self.store.forget(lambda key: key[0] != "dataset" or key[1] in reachable)
        self.store.shrink()

    def restore(self, state: State) -> None:
        """Show a saved state of the open dataset; undo leads to what was shown before it was opened."""
        context = self.context
        wanted = replace(state, dataset=self.state.dataset)
        if context is not None:
            selection, said = refresh(wanted.selection, replace(context, groups=wanted.groups))
            wanted = replace(wanted, selection=selection)
            for text in said:
                self.say("info", text)
        self._show(normalize(wanted, self.facts_of.of(wanted.dataset)))

    def hold(self, kind: str, result: Result) -> str:
        """Keep a result by kind and id and return the id; the state does not change.

        A model is a ``bundle``; explanations of all cells by genes are an ``explanation``; every other kind
        has a latest one, and ``made`` says when that is another.
        """
        known = result.id in self.store.names(kind)
        if kind not in ("bundle", "explanation"):
            self._latest[kind] = result.id
        self.store.put((kind, result.id), result)
        if kind == "bundle":
            self.facts_of.add_bundle(cast("Bundle", result))
        elif kind == "explanation":
            self.facts_of.add_explanation(cast("Explanation", result))
        self._columns.forget_failures()
        if known:
            self.stored.emit(kind, result.id)
        if kind in self._latest:
            self.made.emit(kind)
        return result.id

    def latest(self, kind: str) -> Any:
        """Return the latest result of a kind that was made of the open dataset, else None."""
        found, dataset = self.store.get((kind, self._latest.get(kind))), self.dataset
        return found if found is not None and dataset and found.data == dataset.fingerprint else None

    def close(self, timeout_s: float = 10.0) -> bool:
        """Stop every job and let go of everything; True when all jobs ended in time."""
        ended = self.jobs.shutdown(timeout_s)
        if self.users.count > 1:
            self.say("warning", ENDED)
        self.closed.emit()
        self.store.forget(lambda key: False)
        self._history.clear()
        self._spill.close()
        return ended

    def _context(self, state: State) -> Context | None:
        dataset = self.store.get(("dataset", state.dataset))
        return None if dataset is None else Context(dataset, str(state.dataset), self.store, state.groups)

    def _set(self, new: State, *, transient: bool = False) -> None:
        old = self.state
        self._history.record(old, new, transient=transient)
        self._show(new)

    def _travel(self, then: State | None) -> None:
        if then is not None:
            self._show(normalize(then, self.facts_of.of(then.dataset)))

    def _show(self, new: State) -> None:
        old, self.state = self.state, new
        if new.dataset != old.dataset:
            self.hover(None)
            self.light(None, tell=False)
        if new != old:
            self.changed.emit(new, old)

    def _prune(self) -> None:
        held = set(self.store.names("dataset"))
        self._history.keep(lambda state: state.dataset is None or state.dataset in held)

    def _is_shown(self, key: Key) -> bool:
        """Whether what is shown needs this thing."""
        state = self.state
        shown = (("dataset", state.dataset), ("bundle", state.model), ("explanation", state.explanation))
        return key in shown or key in self._latest.items()
