"""Undo and redo."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from glasscell.data.channel import ChannelRef
from glasscell.data.selection import Cells, Everything
from glasscell.session.history import History
from glasscell.session.session import Session
from glasscell.session.state import Colouring, Group, State
from glasscell.testing.planted import tiny_dataset

GENES = [f"GENE{number:04d}" for number in range(12)]


def test_a_gesture_is_one_step() -> None:
    history, states = (
        History(),
        [State("d", model=None, colouring=Colouring(limits=(0, k))) for k in range(4)],
    )
    history.record(states[0], states[1], transient=True)
    history.record(states[1], states[2], transient=True)
    history.record(states[2], states[3])
    assert history.undo(states[3]) == states[0]
    assert history.redo(states[0]) == states[3]
    assert history.undo(states[3]) == states[0]
    assert history.undo(states[0]) is None


def test_undo_in_the_middle_of_a_gesture_takes_the_gesture_back() -> None:
    history = History()
    before, during = State("d"), State("d", colouring=Colouring(limits=(0, 1)))
    history.record(before, during, transient=True)
    assert history.can_undo
    assert history.undo(during) == before
    assert history.redo(before) == during


def test_model_and_explanation_are_left_alone() -> None:
    history = History()
    one, two = State("d"), State("d", model="m", explanation="e")
    history.record(one, two)
    assert not history.can_undo
    three = State("d", selection=Cells(np.array([1], np.int32)), model="m", explanation="e")
    history.record(two, three)
    back = history.undo(three)
    assert back == two
    assert history.redo(State("d", model="m2")) == State("d", three.selection, model="m2", explanation="e")


def test_opening_the_first_file_is_not_a_step_and_lost_states_are_dropped() -> None:
    history = History()
    history.record(State(), State("a"))
    assert not history.can_undo
    history.record(State("a"), State("b"))
    history.record(State("b"), State("b", colouring=Colouring(limits=(0, 1))))
    assert history.datasets() == {"a", "b"}
    history.keep(lambda state: state.dataset == "b")
    assert history.undo(State("b", colouring=Colouring(limits=(0, 1)))) == State("b")
    assert not history.can_undo
    history.clear()
    assert not history.can_redo


def test_the_past_is_bounded() -> None:
    history = History(3)
    for k in range(10):
        history.record(State("d", model=str(k), colouring=Colouring(limits=(0, k))), State("d"))
    steps = 0
    while history.undo(State("d")) is not None:
        steps += 1
    assert steps == 3


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("select"), st.sets(st.integers(0, 119), max_size=5)),
        st.tuples(st.just("colour"), st.sampled_from(GENES)),
        st.tuples(st.just("limits"), st.tuples(st.floats(0, 1), st.floats(2, 3))),
        st.tuples(st.just("slide"), st.floats(2, 9)),
        st.tuples(st.just("group"), st.sampled_from("pqr")),
        st.tuples(st.just("undo"), st.none()),
        st.tuples(st.just("redo"), st.none()),
    ),
    max_size=40,
)
DATASET = tiny_dataset()


@settings(max_examples=60, deadline=None)
@given(actions=ACTIONS)
def test_any_run_of_actions_can_be_undone_and_redone_to_equal_states(
    actions: list[tuple[str, object]],
) -> None:
    session = Session()
    try:
        session.open_dataset(DATASET)
        session.facts_of._models["m"] = "m"
        first = session.state
        for name, value in actions:
            act(session, name, value)
        session.update(limits=session.state.colouring.limits)  # ends a gesture that may be open
        last, model = session.state, session.state.model
        steps = 0
        while session.can_undo:
            session.undo()
            steps += 1
        assert session.state == first
        session.update(model="m")
        for _ in range(steps):
            session.redo()
        assert session.state == State(**{**vars(last), "model": "m"})
        assert model is None
    finally:
        assert session.close()


def act(session: Session, name: str, value: object) -> None:
    if name == "select":
        indices = np.array(sorted(value), np.int32)  # type: ignore[call-overload]
        session.update(selection=Cells(indices) if len(indices) else Everything())
    elif name == "colour":
        session.update(channel=ChannelRef.make("gene", str(value)))
    elif name == "limits":
        session.update(limits=value)
    elif name == "slide":
        session.update(limits=(0.0, value), transient=True)
    elif name == "group":
        group = Group(str(value), Cells(np.array([1, 2], np.int32)), "#ff0000")
        session.update(groups=(*session.state.groups, group))
    elif name == "undo":
        session.undo()
    else:
        session.redo()
