"""Views without a toolkit: they remember what they were told, and their signals are emitted by the test."""

from __future__ import annotations

from typing import Any

from glasscell.views.model_view import ModelView
from glasscell.views.view import (
    AttributionView,
    ColourView,
    EmbeddingView,
    JobView,
    PrepareView,
    TissueView,
    View,
)


class Remembering(View):
    """Every ``set_name(a, b)`` is noted in ``calls``, and its arguments kept under ``shown["name"]``.

    One argument is kept bare, several as a tuple.
    """

    def __init__(self) -> None:
        self.shown: dict[str, Any] = {}
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def note(self, name: str, *values: Any) -> None:
        """Remember one call."""
        self.calls.append((name, values))
        self.shown[name] = values[0] if len(values) == 1 else values

    def count(self, name: str) -> int:
        """Say how often something was shown."""
        return sum(called == name for called, _ in self.calls)


def _remember(name: str) -> Any:
    def setter(self: Remembering, *values: Any) -> None:
        self.note(name, *values)

    setter.__name__ = f"set_{name}"
    setter.__doc__ = f"Remember the {name}."
    return setter


def fake(view: type[View]) -> type[Any]:
    """Make a class that remembers all that a view interface can be told."""
    names: list[str] = sorted(getattr(view, "__abstractmethods__", ()))
    setters = {name: _remember(name.removeprefix("set_")) for name in names}
    doc = f"A {view.__name__} that remembers what it was told."
    return type(
        f"Fake{view.__name__}", (Remembering, view), {**setters, "__doc__": doc, "__module__": __name__}
    )


FakeTissueView = fake(TissueView)
FakeEmbeddingView = fake(EmbeddingView)
FakeColourView = fake(ColourView)
FakePrepareView = fake(PrepareView)
FakeModelView = fake(ModelView)
FakeAttributionView = fake(AttributionView)
FakeJobView = fake(JobView)
