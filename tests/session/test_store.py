"""The store of heavy things."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from glasscell.session.store import Key, Store, size_of


class Shelf:
    """A spill that takes models only."""

    def __init__(self) -> None:
        self.things: dict[Key, Any] = {}

    def save(self, key: Key, value: Any) -> bool:
        if key[0] == "bundle":
            self.things[key] = value
        return key[0] == "bundle"

    def load(self, key: Key) -> Any | None:
        return self.things.get(key)

    def names(self, kind: str) -> tuple[str, ...]:
        return tuple(key[1] for key in self.things if key[0] == kind)


def test_what_was_not_used_longest_goes_first_and_what_can_be_made_again_before_the_rest() -> None:
    store = Store(100)
    store.put(("dataset", "a"), "a", 40)
    store.put(("column", "x"), "x", 20)
    store.put(("column", "y"), "y", 20)
    assert store.get(("column", "x")) == "x"
    store.put(("column", "z"), "z", 30)
    assert store.get(("column", "y")) is None
    assert store.get(("column", "x")) == "x"
    assert store.n_bytes == 90
    store.put(("dataset", "b"), "b", 60)
    assert store.get(("dataset", "a")) == "a"
    assert store.n_bytes <= 100


def test_what_is_shown_never_goes_and_results_go_to_the_shelf_only() -> None:
    shelf = Shelf()
    store = Store(10, kept=lambda key: key == ("dataset", "now"), spill=shelf)
    store.put(("dataset", "now"), "data", 50)
    store.put(("bundle", "m"), "model", 50)
    store.put(("explanation", "e"), "reasons", 50)
    store.put(("dataset", "old"), "old", 50)
    store.put(("column", "x"), "x", 1)
    store.put(("column", "y"), "y", 1)
    assert store.get(("dataset", "now")) == "data"
    assert store.get(("dataset", "old")) is None
    assert store.get(("explanation", "e")) == "reasons"
    assert shelf.names("bundle") == ("m",)
    assert store.names("bundle") == ("m",)
    assert store.get(("bundle", "m")) == "model"
    assert store.get(("bundle", "never")) is None


def test_forgetting() -> None:
    store = Store()
    store.put(("dataset", "a"), "a", 1)
    store.put(("column", "x"), "x", 1)
    store.forget(lambda key: key[0] != "column")
    assert store.names("column") == ()
    assert list(store.values("dataset")) == ["a"]


def test_sizes_follow_the_arrays() -> None:
    class Thing:
        def __init__(self) -> None:
            self.values = np.zeros(1000, np.float32)
            self.table = sp.random(50, 50, 0.1, format="csr")
            self.more = [{"a": np.zeros(10)}, None, "text", self]

    thing = Thing()
    table = sum(part.nbytes for part in (thing.table.data, thing.table.indices, thing.table.indptr))
    assert size_of(thing) == 4000 + table + 80
    assert size_of(None) == 1


def test_what_is_shown_leaves_room_for_columns() -> None:
    store = Store(10, kept=lambda key: key[0] == "dataset")
    store.put(("dataset", "large"), "data", 10_000)
    store.put(("column", "x"), "x", 4)
    store.put(("column", "y"), "y", 4)
    assert [store.get(("column", name)) for name in "xy"] == ["x", "y"]
