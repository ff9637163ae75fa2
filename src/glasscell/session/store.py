"""Heavy things by name, bounded in bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from glasscell.settings import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Key = tuple[Any, ...]  # (kind, name, ...)


class Spill(Protocol):
    """Somewhere to put what cannot be worked out again."""

    def save(self, key: Key, value: Any) -> bool:
        """Put a value aside; False when that is not possible."""
        ...

    def load(self, key: Key) -> Any | None:
        """Bring a value back; None when it was never put aside."""
        ...

    def names(self, kind: str) -> tuple[str, ...]:
        """Names of the values of a kind that were put aside."""
        ...


@dataclass
class _Item:
    value: Any
    n_bytes: int


class Store:
    """Least recently used things go first when the limit is passed; may be read from any thread.

    Parameters
    ----------
    limit_bytes
        What may be held besides what is kept; what the settings say when left out.
    kept
        Tells which keys the current state needs; those never go.
    spill
        Where things that cannot be worked out again go instead of away.
    """

    #: Kinds that can be worked out again and so go first.
    derived = ("column", "colours", "mask")
    #: Kinds that never go unless they were put aside.
    dear = ("bundle", "explanation", "applied")

    def __init__(
        self,
        limit_bytes: int | None = None,
        *,
        kept: Callable[[Key], bool] = lambda key: False,
        spill: Spill | None = None,
    ) -> None:
        self.limit_bytes = int(settings().store_gb * 2**30) if limit_bytes is None else limit_bytes
        self._kept = kept
        self._spill = spill
        self._items: OrderedDict[Key, _Item] = OrderedDict()
        self._lock = threading.RLock()

    @property
    def n_bytes(self) -> int:
        """Bytes held now."""
        with self._lock:
            return sum(item.n_bytes for item in self._items.values())

    def put(self, key: Key, value: Any, n_bytes: int | None = None) -> None:
        """Hold a value, letting others go when there is too much."""
        with self._lock:
            self._items[key] = _Item(value, size_of(value) if n_bytes is None else n_bytes)
            self._items.move_to_end(key)
            self.shrink(key)

    def get(self, key: Key) -> Any | None:
        """Return a value, or None when it has gone."""
        with self._lock:
            item = self._items.get(key)
            if item is not None:
                self._items.move_to_end(key)
                return item.value
            value = None if self._spill is None else self._spill.load(key)
            if value is not None:
                self.put(key, value)
            return value

    def names(self, kind: str) -> tuple[str, ...]:
        """Names of what can be had of a kind, oldest first."""
        with self._lock:
            held = [key[1] for key in self._items if key[0] == kind]
        put_aside = () if self._spill is None else self._spill.names(kind)
        return tuple(dict.fromkeys([*put_aside, *held]))

    def values(self, kind: str) -> Iterator[Any]:
        """Go through what is held in memory of a kind."""
        with self._lock:
            found = [item.value for key, item in self._items.items() if key[0] == kind]
        return iter(found)

    def forget(self, wanted: Callable[[Key], bool]) -> None:
        """Let go of the keys that ``wanted`` is false for."""
        with self._lock:
            for key in [key for key in self._items if not wanted(key)]:
                del self._items[key]

    def shrink(self, newest: Key | None = None) -> None:
        """Let go of what is too much, never of ``newest`` or of what is kept."""
        with self._lock:
            self._shrink(newest)

    def _shrink(self, newest: Key | None) -> None:
        spare = {key: item for key, item in self._items.items() if not self._kept(key)}
        excess = sum(item.n_bytes for item in spare.values()) - self.limit_bytes
        for key in sorted(spare, key=lambda key: key[0] not in self.derived):
            if excess <= 0:
                return
            if key != newest and self._may_go(key):
                del self._items[key]
                excess -= spare[key].n_bytes

    def _may_go(self, key: Key) -> bool:
        if key[0] not in self.dear:
            return True
        return self._spill is not None and self._spill.save(key, self._items[key].value)


def size_of(value: Any) -> int:
    """Bytes that a value holds, as far as its arrays tell."""
    seen: set[int] = set()

    def walk(thing: Any, depth: int) -> int:
        if (
            id(thing) in seen
            or depth > 6
            or thing is None
            or isinstance(thing, str | int | float | bool | type)
        ):
            return 0
        seen.add(id(thing))
        own = getattr(thing, "nbytes", None)
        if isinstance(own, int):
            return own
        if hasattr(thing, "indptr") and hasattr(thing, "data"):
            return sum(int(getattr(thing, part).nbytes) for part in ("data", "indices", "indptr"))
        if type(thing).__name__ == "AnnData":
            return int(thing.__sizeof__())
        if isinstance(thing, dict):
            return sum(walk(part, depth + 1) for part in thing.values())
        if isinstance(thing, list | tuple):
            return sum(walk(part, depth + 1) for part in thing)
        if callable(getattr(thing, "parameters", None)):
            return sum(p.numel() * p.element_size() for p in thing.parameters())
        return sum(walk(part, depth + 1) for part in getattr(thing, "__dict__", {}).values())

    return max(walk(value, 0), 1)
