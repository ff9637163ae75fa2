"""What the window shows, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from glasscell.data.selection import Cells, Everything, Selection

if TYPE_CHECKING:
    from glasscell.data.channel import ChannelRef

#: Colours for new groups, in order (Okabe and Ito 2008, readable without colour vision).
GROUP_COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")


@dataclass(frozen=True)
class Group:
    """A named set of cells with its colour (#rrggbb).

    ``independent`` says that they were chosen on the tissue or by columns, not by their counts, so that
    p-values between such groups are not circular.
    """

    name: str
    cells: Cells
    colour: str
    independent: bool = False


@dataclass(frozen=True)
class Annotation:
    """A sentence about some cells."""

    text: str
    cells: Cells


@dataclass(frozen=True)
class Colouring:
    """What the cells are coloured by.

    ``limits`` are (low, high) or None for automatic; ``palette`` holds (category, #rrggbb) overrides;
    ``hidden`` the categories switched off in the legend.
    """

    channel: ChannelRef | None = None
    limits: tuple[float, float] | None = None
    palette: tuple[tuple[str, str], ...] = ()
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True)
class Views:
    """What each view shows.

    ``embedding`` is a key of the dataset's embeddings, ``components`` which two of its columns, ``axes`` two
    channels that take its place, ``section`` the tissue section shown alone (None for all).
    """

    embedding: str | None = None
    components: tuple[int, int] = (0, 1)
    axes: tuple[ChannelRef, ChannelRef] | None = None
    section: str | None = None


@dataclass(frozen=True)
class State:
    """All that undo, saving and a running job's snapshot need; heavy things are named only.

    ``dataset`` is its name in the session (fingerprint and version), ``model`` and ``explanation`` are ids.
    """

    dataset: str | None = None
    selection: Selection = field(default_factory=Everything)
    groups: tuple[Group, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    colouring: Colouring = field(default_factory=Colouring)
    views: Views = field(default_factory=Views)
    model: str | None = None
    explanation: str | None = None

    def with_wish(self, **wish: Any) -> State:
        """Return the state with these fields replaced, rules not yet applied.

        Besides its own fields it takes those of :class:`Colouring` (``channel, limits, palette, hidden``)
        and of :class:`Views` (``embedding, components, axes, section``). Another channel starts with limits
        and palette of its own.
        """
        colouring = {name: wish.pop(name) for name in _COLOURING if name in wish}
        views = {name: wish.pop(name) for name in _VIEWS if name in wish}
        if colouring:
            start = wish.get("colouring", self.colouring)
            if "channel" in colouring and colouring["channel"] != start.channel:
                start = Colouring()
            wish["colouring"] = replace(start, **colouring)
        if views:
            wish["views"] = replace(wish.get("views", self.views), **views)
        return replace(self, **wish)


_COLOURING = ("channel", "limits", "palette", "hidden")
_VIEWS = ("embedding", "components", "axes", "section")

#: What undo leaves alone: losing a training run to a key stroke would be unforgivable.
KEPT_BY_UNDO = ("model", "explanation")


def undone(now: State, then: State) -> State:
    """Return ``then`` with what undo must not take away kept from ``now``, as far as there is any now."""
    return replace(then, **{name: getattr(now, name) or getattr(then, name) for name in KEPT_BY_UNDO})
