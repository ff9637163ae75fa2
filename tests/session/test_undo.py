"""Five hundred random actions, undone and redone, against a plain list of states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from glasscell.data.channel import ChannelRef
from glasscell.data.dataset import Dataset
from glasscell.data.selection import Category, Cells, Everything, Lasso
from glasscell.errors import GlasscellError
from glasscell.session import Session, State
from glasscell.session.history import History, weight
from glasscell.session.state import Group
from glasscell.testing.planted import tiny_dataset

DATASET = tiny_dataset()
STEPS = 500
NAMES = ("a", "b", "c", "d")


def _next_version(number: int) -> Dataset:
    adata = DATASET.editable()
    adata.obs["made"] = np.arange(adata.n_obs) % (2 + number % 3)
    return DATASET.with_adata(adata)


def _cells(number: int) -> Cells:
    start = number % (DATASET.n_cells - 8)
    return Cells(np.arange(start, start + 1 + number % 7, dtype=np.int32))


ACTIONS: tuple[Callable[[Session, int], Any], ...] = (
    lambda s, n: s.update(selection=_cells(n)),
    lambda s, n: s.update(selection=Lasso("tissue", ((-1, -1), (n % 9, -1), (n % 9, 9)))),
    lambda s, n: s.update(selection=Category(ChannelRef("obs", "label"), (f"K{1 + n % 3}",))),
    lambda s, n: s.update(selection=Everything()),
    lambda s, n: s.update(selection=s.state.selection & ~_cells(n)),
    lambda s, n: s.update(channel=ChannelRef("gene", f"GENE{n % 12:04d}")),
    lambda s, n: s.update(limits=(0, 1 + n % 5), transient=True),
    lambda s, n: s.update(limits=(0, 1 + n % 5)),
    lambda s, n: s.update(palette=(("K1", f"#0000{n % 256:02x}"),)),
    lambda s, n: s.update(hidden=(f"K{1 + n % 3}",)),
    lambda s, n: s.update(components=(n % 2, 1 - n % 2)),
    lambda s, n: s.update(axes=(ChannelRef("gene", "GENE0001"), ChannelRef("gene", f"GENE{n % 9:04d}"))),
    lambda s, n: s.grouping.add(NAMES[n % 4]),
    lambda s, n: s.grouping.rename(NAMES[n % 4], NAMES[n // 4 % 4]),
    lambda s, n: s.grouping.recolour(NAMES[n % 4], f"#00{n % 256:02x}00"),
    lambda s, n: s.grouping.delete([NAMES[n % 4]]),
    lambda s, n: s.grouping.merge([NAMES[n % 4], NAMES[n // 4 % 4]], NAMES[n % 4]),
    lambda s, n: s.grouping.add_selected(NAMES[n % 4]),
    lambda s, n: s.grouping.remove_selected(NAMES[n % 4]),
    lambda s, n: s.grouping.paint(NAMES[n % 4], _cells(n).indices, transient=n % 2 == 0),
    lambda s, n: s.grouping.paint(NAMES[n % 4], _cells(n).indices, erase=True, transient=n % 2 == 0),
    lambda s, n: s.grouping.select([NAMES[n % 4]]),
    lambda s, n: s.grouping.colour_by(),
    lambda s, n: s.grouping.annotate(f"note {n}"),
    lambda s, n: s.grouping.forget_note(n % 3),
    lambda s, n: s.update(model=("m", "k")[n % 2]),
    lambda s, n: s.adopt(_next_version(n), fresh=False),
)
TRANSIENT = (6, 19, 20)
UNDO, REDO = len(ACTIONS), len(ACTIONS) + 1


@dataclass
class Oracle:
    """What undo and redo should come back to: two lists of states, written for reading."""

    past: list[State] = field(default_factory=list)
    future: list[State] = field(default_factory=list)
    gesture: State | None = None

    def did(self, old: State, new: State, transient: bool) -> None:
        start = self.gesture if self.gesture is not None else old
        changed = bare(start) != bare(new)
        if transient:
            if bare(old) != bare(new) and self.gesture is None:
                self.gesture, self.future = old, []
            return
        self.gesture = None
        if changed:
            self.past.append(start)
            self.future = []

    def undo(self, now: State) -> State:
        if self.gesture is not None:
            self.future.append(now)
            then, self.gesture = self.gesture, None
            return then
        if not self.past:
            return now
        self.future.append(now)
        return self.past.pop()

    def redo(self, now: State) -> State:
        if not self.future:
            return now
        self.past.append(now)
        return self.future.pop()


def bare(state: State) -> State:
    """A state without what undo leaves alone."""
    return replace(state, model=None, explanation=None)


@settings(
    max_examples=12,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking 500 actions takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(numbers=st.lists(st.integers(0, 2**16 - 1), min_size=STEPS, max_size=STEPS))
def test_500_random_actions_return_to_equal_states(numbers: list[int]) -> None:
    session = Session()
    try:
        session.open_dataset(DATASET)
        session.facts_of._models |= {"m": "m", "k": "k"}
        first, oracle = session.state, Oracle()
        done = _take_all(session, oracle, numbers)
        session.update(limits=session.state.colouring.limits)  # ends a gesture that may be open
        last, steps = session.state, 0
        print(f"{done} of {STEPS} random actions done, {len(oracle.past)} steps to undo, all states equal")
        while session.can_undo:
            session.undo()
            steps += 1
        assert bare(session.state) == bare(first)
        assert session.state.model == last.model, "undo must not take a model away"
        for _ in range(steps):
            session.redo()
        assert session.state == last
    finally:
        assert session.close()


def _take_all(session: Session, oracle: Oracle, numbers: list[int]) -> int:
    return sum(take(session, oracle, number) for number in numbers)


def take(session: Session, oracle: Oracle, number: int) -> bool:
    """Do one action and hold the state against the oracle's."""
    which, value = number % (REDO + 4), number // (REDO + 4)
    old = session.state
    if which >= UNDO:
        undo = (which - UNDO) % 2 == 0
        wanted = oracle.undo(old) if undo else oracle.redo(old)
        if undo:
            session.undo()
        else:
            session.redo()
        assert bare(session.state) == bare(wanted)
        return True
    try:
        ACTIONS[which](session, value)
    except GlasscellError:
        assert session.state == old, "what was refused has changed something"
        return False
    oracle.did(old, session.state, which == TRANSIENT[0] or (which in TRANSIENT[1:] and value % 2 == 0))
    return True


def test_an_undo_that_leaves_groups_behind_is_caught(monkeypatch: Any) -> None:
    def forgetful(now: State, then: State) -> State:
        return replace(then, model=now.model, explanation=now.explanation, groups=now.groups)

    monkeypatch.setattr("glasscell.session.history.undone", forgetful)
    session, oracle = Session(), Oracle()
    session.open_dataset(DATASET)
    numbers = np.random.default_rng(0).integers(0, 2**16, 300)
    with pytest.raises(AssertionError):
        _take_all(session, oracle, numbers.tolist())
    assert session.close()


def test_a_slide_after_an_undo_leaves_nothing_to_redo() -> None:
    history = History()
    one, two = State("d"), State("d", selection=Cells(np.array([1], np.int32)))
    three = State("d", selection=Cells(np.array([2], np.int32)))
    history.record(one, two)
    assert history.undo(two) == one
    history.record(one, three, transient=True)
    assert history.redo(three) is None
    assert history.undo(three) == one


def test_painted_cells_do_not_fill_the_memory(monkeypatch: Any) -> None:
    monkeypatch.setattr("glasscell.session.history.MAX_BYTES", 4000)
    history = History()
    states = [
        State("d", groups=(Group("g", Cells(np.arange(100 + k, dtype=np.int32)), "#000000"),))
        for k in range(30)
    ]
    for old, new in pairwise(states):
        history.record(old, new)
    assert weight(states) > 4000
    assert weight(history._past) <= 4000
    assert history.undo(states[-1]) == states[-2]
