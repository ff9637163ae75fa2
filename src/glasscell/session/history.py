"""Undo and redo over whole states."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from glasscell.data.selection import Cells
from glasscell.session.state import State, undone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_STEPS = 500
#: Painted cells that the steps may hold between them, in bytes; older steps are forgotten.
MAX_BYTES = 512 << 20


class History:
    """The states before and after the current one.

    A *gesture* (a slider held down) is a run of transient updates: the state before it is noted at its
    start, and becomes one step when the gesture ends.
    """

    def __init__(self, max_steps: int = MAX_STEPS) -> None:
        self._past: deque[State] = deque(maxlen=max_steps)
        self._future: list[State] = []
        self._before_gesture: State | None = None

    @property
    def can_undo(self) -> bool:
        """Whether there is a state to go back to."""
        return bool(self._past) or self._before_gesture is not None

    @property
    def can_redo(self) -> bool:
        """Whether something was undone and nothing done since."""
        return bool(self._future)

    def record(self, old: State, new: State, *, transient: bool = False) -> None:
        """Note that ``old`` was replaced by ``new``."""
        if transient:
            if self._before_gesture is None and undone(new, old) != new:
                self._before_gesture = old
                self._future.clear()  # something new is being done
            return
        start, self._before_gesture = self._before_gesture or old, None
        if start.dataset is None or undone(new, start) == new:
            return  # nothing was open, or only what undo leaves alone has changed
        self._past.append(start)
        self._future.clear()
        if weight([start]) * len(self._past) > MAX_BYTES:
            while len(self._past) > 1 and weight(self._past) > MAX_BYTES:
                self._past.popleft()

    def undo(self, now: State) -> State | None:
        """Return the state before; None when there is none."""
        if self._before_gesture is not None:
            then, self._before_gesture = self._before_gesture, None
        elif self._past:
            then = self._past.pop()
        else:
            return None
        self._future.append(now)
        return undone(now, then)

    def redo(self, now: State) -> State | None:
        """Return the state that was undone last; None when there is none."""
        if not self._future:
            return None
        self._past.append(now)
        return undone(now, self._future.pop())

    def keep(self, wanted: Callable[[State], bool]) -> None:
        """Forget the states that can no longer be shown."""
        self._past = deque((state for state in self._past if wanted(state)), maxlen=self._past.maxlen)
        self._future = [state for state in self._future if wanted(state)]
        if self._before_gesture is not None and not wanted(self._before_gesture):
            self._before_gesture = None

    def datasets(self) -> set[str]:
        """Names of the datasets that undo or redo may come back to."""
        states = [*self._past, *self._future, *([self._before_gesture] if self._before_gesture else [])]
        return {state.dataset for state in states if state.dataset is not None}

    def clear(self) -> None:
        """Forget everything."""
        self._past.clear()
        self._future.clear()
        self._before_gesture = None


def weight(states: Iterable[State]) -> int:
    """Count the bytes of the cells that states name, those they share once."""
    sizes: dict[str, int] = {}
    for state in states:
        named = [*(group.cells for group in state.groups), *(note.cells for note in state.annotations)]
        if isinstance(state.selection, Cells):
            named.append(state.selection)
        sizes.update({cells.digest: cells.indices.nbytes for cells in named})
    return sum(sizes.values())
