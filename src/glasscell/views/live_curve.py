"""The loss while a model is trained: one point an epoch, from what the training tells."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from glasscell.views.row import Curve

if TYPE_CHECKING:
    from glasscell.jobs.progress import Progress

_FOLD, _EPOCH = re.compile(r"fold (\d+)"), re.compile(r"epoch (\d+)")


class LiveCurves:
    """Curves that grow; a training tells its loss several times an epoch, of which the last one counts."""

    def __init__(self) -> None:
        self._points: dict[str, tuple[list[float], list[float]]] = {}

    def add(self, progress: Progress) -> bool:
        """Take what is told; false when it tells no loss of a fold."""
        fold = _FOLD.search(progress.text)
        if fold is None or "train_loss" not in progress.metrics:
            return False
        train, valid = self._points.setdefault(f"fold {fold.group(1)}", ([], []))
        epoch = _EPOCH.search(progress.text)
        number = len(train) + 1 if epoch is None else int(epoch.group(1))
        _put(train, number, progress.metrics["train_loss"])
        if "valid_loss" in progress.metrics:
            # While an epoch runs only the one before it has been validated.
            _put(valid, number if epoch is None else number - 1, progress.metrics["valid_loss"])
        return True

    def curves(self) -> tuple[Curve, ...]:
        """Return the curves so far, one per fold."""
        return tuple(Curve(name, tuple(a), tuple(b)) for name, (a, b) in self._points.items())


def _put(losses: list[float], number: int, loss: float) -> None:
    """Write the loss of an epoch, counted from 1; epochs nobody heard of are no numbers."""
    if number < 1:
        return
    losses.extend([math.nan] * (number - len(losses)))
    losses[number - 1] = loss
