"""Sessions saved and opened; session files that nobody vouches for."""

from __future__ import annotations

import base64
import contextlib
import copy
import json
import shutil
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glasscell.data.channel import ChannelRef
from glasscell.data.selection import Category, Cells, Everything, Lasso, Not, Range, Selection
from glasscell.errors import DataError
from glasscell.session import Session, State
from glasscell.session.packed import pack, pack_selection, unpack, unpack_selection
from glasscell.session.persist import SESSION, make_record
from glasscell.session.record import read_record
from glasscell.session.state import Annotation, Colouring, Group, Views
from glasscell.session.state_json import state_from_json, state_to_json
from glasscell.testing.planted import tiny_adata, tiny_dataset

STATE = State(
    selection=(Lasso("tissue", ((0, 0), (9, 0), (0, 9))) | Cells(np.array([3, 5], np.int32)))
    & ~Range(ChannelRef("obs", "score"), -1.0, 2.0),
    groups=(Group("a <b>/ü", Cells(np.arange(0, 100, 3, dtype=np.int32)), "#e69f00"),),
    annotations=(Annotation("look here", Cells(np.array([7], np.int32))),),
    colouring=Colouring(ChannelRef.make("embedding", "X_umap", component=1), (0.0, 2.5), (("A", "#00ff00"),)),
    views=Views("X_umap", (1, 0), (ChannelRef("gene", "GENE0001"), ChannelRef("obs", "score")), None),
)


@pytest.fixture
def session() -> Iterator[Session]:
    made = Session()
    yield made
    assert made.close()


@pytest.fixture
def reopened() -> Iterator[Session]:
    made = Session()
    yield made
    assert made.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cells.h5ad"
    tiny_adata().write_h5ad(path)
    return path


def bare(state: State) -> State:
    return replace(state, dataset=None)


SELECTIONS = st.recursive(
    st.one_of(
        st.just(Everything()),
        st.sets(st.integers(0, 99)).map(lambda cells: Cells(np.array(sorted(cells), np.int32))),
        st.builds(
            lambda names: Category(ChannelRef("obs", "label"), tuple(names)), st.lists(st.text(), min_size=1)
        ),
        st.floats(-5, 5).map(lambda low: Range(ChannelRef("gene", "G"), low)),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: pair[0] & pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] | pair[1]),
        inner.map(Not),
    ),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(selection=SELECTIONS)
def test_any_selection_comes_back_equal(selection: Selection) -> None:
    words = json.loads(json.dumps(pack_selection(selection)))
    assert unpack_selection(words, 100) == selection


def test_a_state_comes_back_equal_and_cells_are_short() -> None:
    words = json.loads(json.dumps(state_to_json(STATE)))
    assert state_from_json(words, 120) == STATE
    many = Cells(np.flatnonzero(np.random.default_rng(0).random(1_000_000) < 0.3).astype(np.int32))
    assert len(pack(many)["packed"]) < 600_000
    assert unpack(pack(many), 1_000_000) == many
    with pytest.raises(DataError, match="do not exist"):
        unpack(pack(many), 900_000)


def test_a_session_is_saved_and_opened(session: Session, reopened: Session, file: Path) -> None:
    session.open(file).wait()
    wanted = replace(STATE, selection=STATE.selection | Category(ChannelRef("obs", "label"), ("K1",)))
    session.update(**{name: getattr(wanted, name) for name in ("selection", "groups", "annotations")})
    session.update(colouring=wanted.colouring, views=wanted.views)
    assert session.state.groups == STATE.groups
    session.save_session(file.with_name("work"), {"tissue": {"zoom": 2.0}}).wait()
    seen: list[Any] = []
    reopened.restored.connect(seen.append)
    job = reopened.open_session(file.with_name("work.glasscell"))
    job.wait()
    assert job.error is None
    assert bare(reopened.state) == bare(session.state)
    assert np.array_equal(reopened.mask(), session.mask())
    assert seen == [{"tissue": {"zoom": 2.0}}]
    assert not file.with_name("work.glasscell").joinpath("tables.h5ad").exists()


def test_what_is_in_no_file_is_kept_beside_the_session(
    session: Session, reopened: Session, file: Path
) -> None:
    session.open(file).wait()
    session.prepare({"n_components": 5, "n_neighbors": 5}).wait()
    session.update(selection=Category(ChannelRef("obs", "leiden"), ("0",)))
    session.save_session(file.with_name("work.glasscell")).wait()
    reopened.open_session(file.with_name("work.glasscell") / SESSION).wait()
    assert bare(reopened.state) == bare(session.state)
    assert reopened.dataset is not None
    assert session.dataset is not None
    assert np.array_equal(reopened.dataset.embeddings["X_umap"], session.dataset.embeddings["X_umap"])
    assert reopened.dataset.adata.uns["glasscell"]["prepare"]


def test_data_from_memory_are_kept_whole(session: Session, reopened: Session, tmp_path: Path) -> None:
    session.open_dataset(tiny_dataset())
    session.update(selection=Cells(np.array([1, 2], np.int32)))
    session.save_session(tmp_path / "work").wait()
    reopened.open_session(tmp_path / "work.glasscell").wait()
    assert bare(reopened.state) == bare(session.state)


def test_moved_changed_and_missing_data(session: Session, reopened: Session, file: Path) -> None:
    session.open(file).wait()
    session.update(selection=Cells(np.array([1, 2], np.int32)))
    place = file.with_name("work.glasscell")
    session.save_session(place).wait()
    before = reopened.state
    elsewhere = file.parent / "moved"
    elsewhere.mkdir()
    shutil.move(file, elsewhere / file.name)
    job = reopened.open_session(place)
    job.wait()
    assert "are not there" in str(job.error)
    shutil.move(place, elsewhere / place.name)
    job = reopened.open_session(elsewhere / place.name)
    job.wait()
    assert job.error is None
    assert reopened.state.selection == session.state.selection
    tiny_adata(seed=4).write_h5ad(elsewhere / file.name)
    shown = reopened.state
    job = reopened.open_session(elsewhere / place.name)
    job.wait()
    assert "has changed since the session was saved" in str(job.error)
    assert reopened.state == shown != before


def test_a_session_never_takes_the_place_of_something_else(session: Session, file: Path) -> None:
    session.open(file).wait()
    other = file.with_name("other.glasscell")
    other.mkdir()
    (other / "thesis.txt").write_text("years of work")
    job = session.save_session(other)
    job.wait()
    assert "something else" in str(job.error)
    assert (other / "thesis.txt").read_text() == "years of work"
    session.save_session(file.with_name("twice")).wait()
    session.update(selection=Cells(np.array([4], np.int32)))
    job = session.save_session(file.with_name("twice"))
    job.wait()
    assert job.error is None
    record = read_record((file.with_name("twice.glasscell") / SESSION).read_bytes())
    assert record.state.selection == Cells(np.array([4], np.int32))


def words_of() -> dict[str, Any]:
    session = Session()
    session.open_dataset(tiny_dataset())
    session.update(selection=STATE.selection, groups=STATE.groups, annotations=STATE.annotations)
    words: dict[str, Any] = json.loads(make_record(session, {"tissue": {"zoom": 1.0}}).to_text())
    session.close()
    return words


WORDS = words_of()


def changed(*path: str | int, to: Any) -> bytes:
    """The text of a good session with one thing replaced."""
    words = copy.deepcopy(WORDS)
    place: Any = words
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = to
    return json.dumps(words).encode()


def bomb() -> dict[str, Any]:
    """A gigabyte of zeros in a thousand bytes or so."""
    text = base64.b64encode(zlib.compress(bytes(1 << 24), 9)).decode()
    return {"kind": "cells", "count": 100, "packed": text}


def deep(depth: int) -> dict[str, Any]:
    part: dict[str, Any] = {"kind": "everything"}
    for _ in range(depth):
        part = {"kind": "not", "part": part}
    return part


HOSTILE: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "not json": lambda: b"\x80\x04\x95cposix\nsystem\n(S'touch /tmp/owned'\ntR.",
    "a list": lambda: b"[1, 2]",
    "another kind": lambda: changed("kind", to="glasscell model"),
    "no version": lambda: changed("format_version", to="1"),
    "a newer version": lambda: changed("format_version", to=99),
    "deep json": lambda: b"[" * 100_000,
    "a deep selection": lambda: changed("state", "selection", to=deep(500)),
    "an unknown selection": lambda: changed("state", "selection", "kind", to="pickle"),
    "a bomb of cells": lambda: changed("state", "groups", 0, "cells", to=bomb()),
    "negative count": lambda: changed("state", "groups", 0, "cells", "count", to=-5),
    "a huge count": lambda: changed("state", "groups", 0, "cells", "count", to=2**40),
    "cells of another table": lambda: changed("data", "n_cells", to=3),
    "a path for a model": lambda: changed("models", to=["../../../etc"]),
    "a hidden model": lambda: changed("models", to=[".ssh"]),
    "a path as a number": lambda: changed("data", "paths", to=[7]),
    "a url for the data": lambda: changed("data", "paths", to=["http://example.org/x.h5ad"]),
    "a nul in a path": lambda: changed("data", "paths", to=["/tmp/a\0b"]),
    "an unknown way of keeping": lambda: changed("data", "kept", to="pickle"),
    "a list in a channel": lambda: changed(
        "state", "colouring", "channel", to={"kind": "obs", "key": "a", "params": {"p": [1]}}
    ),
    "a parameter called kind": lambda: changed(
        "state", "colouring", "channel", to={"kind": "obs", "key": "a", "params": {"kind": "x"}}
    ),
    "limits that are text": lambda: changed("state", "colouring", "limits", to=["0", "1"]),
    "three limits": lambda: changed("state", "colouring", "limits", to=[0, 1, 2]),
    "components as text": lambda: changed("state", "views", "components", to=["x", "y"]),
    "a component too far": lambda: changed("state", "views", "components", to=[0, 10**12]),
    "a picture of text": lambda: changed("pictures", to={"tissue": {"zoom": "x"}}),
    "a name of a megabyte": lambda: changed("state", "groups", 0, "name", to="x" * 1_000_000),
    "half a letter": lambda: changed("state", "groups", 0, "name", to="\ud800"),
    "a lasso without corners": lambda: changed(
        "state",
        "selection",
        to={"kind": "lasso", "space": "tissue", "vertices": [1], "axes": [], "column": ""},
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_one_sentence(name: str) -> None:
    with pytest.raises(DataError) as caught:
        read_record(HOSTILE[name](), "work.glasscell")
    text = str(caught.value)
    assert text.startswith("work.glasscell")
    assert text.endswith(".")
    assert "\n" not in text
    assert len(text) < 300


def test_the_good_file_they_were_made_from_is_read() -> None:
    record = read_record(json.dumps(WORDS).encode())
    assert record.state.groups == STATE.groups
    assert record.pictures == {"tissue": {"zoom": 1.0}}


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_random_damage_is_a_sentence_or_a_good_record(data: st.DataObject) -> None:
    words: Any = copy.deepcopy(WORDS)
    place = words
    while True:
        name = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else range(len(place))))
        inner = place[name]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            break
        place = inner
    place[name] = data.draw(
        st.one_of(
            st.none(),
            st.integers(),
            st.floats(),
            st.text(max_size=5),
            st.lists(st.integers(), max_size=3),
            st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
        )
    )
    with contextlib.suppress(DataError):  # anything else fails the test
        hash(read_record(json.dumps(words).encode()).state)


def test_opening_a_hostile_folder_changes_nothing(session: Session, tmp_path: Path) -> None:
    session.open_dataset(tiny_dataset())
    before = session.state
    folder = tmp_path / "evil.glasscell"
    folder.mkdir()
    (folder / SESSION).write_bytes(HOSTILE["a path for a model"]())
    job = session.open_session(folder)
    job.wait()
    assert isinstance(job.error, DataError)
    assert session.state == before
    assert session.messages[-1].level == "error"
    job = session.open_session(tmp_path / "nowhere")
    job.wait()
    assert "is not a saved session" in session.messages[-1].text
