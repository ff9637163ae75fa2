"""A state as plain JSON, and back; nothing in it is run, everything is checked."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from glasscell.data.channel import ChannelRef
from glasscell.errors import DataError
from glasscell.session.packed import pack, pack_selection, unpack, unpack_selection
from glasscell.session.state import Annotation, Colouring, Group, State, Views

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: What a damaged or hostile file can make Python raise while it is read.
WRONG = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, RecursionError)
MAX_TEXT = 10_000


def state_to_json(state: State) -> dict[str, Any]:
    """Return plain JSON types; the name of the dataset is left out, for it holds in one session only."""
    colouring = state.colouring
    return {
        "selection": pack_selection(state.selection),
        "groups": [
            {
                "name": one.name,
                "colour": one.colour,
                "cells": pack(one.cells),
                "independent": one.independent,
            }
            for one in state.groups
        ],
        "annotations": [{"text": one.text, "cells": pack(one.cells)} for one in state.annotations],
        "colouring": {
            "channel": plain(colouring.channel),
            "limits": plain(colouring.limits),
            "palette": [list(pair) for pair in colouring.palette],
            "hidden": list(colouring.hidden),
        },
        "views": {part.name: plain(getattr(state.views, part.name)) for part in fields(Views)},
        "model": state.model,
        "explanation": state.explanation,
    }


def state_from_json(data: Mapping[str, Any], n_cells: int) -> State:
    """Read what `state_to_json` wrote; the rules of the session are still to be applied.

    Parameters
    ----------
    n_cells
        Cells of the dataset it belongs to; nothing may name others.

    Raises
    ------
    DataError
        Something is missing, of the wrong kind, or out of range.
    """
    try:
        return State(
            selection=unpack_selection(data["selection"], n_cells),
            groups=tuple(
                Group(
                    text(one["name"]),
                    unpack(one["cells"], n_cells),
                    text(one["colour"]),
                    one.get("independent") is True,
                )
                for one in listed(data["groups"])
            ),
            annotations=tuple(
                Annotation(text(one["text"]), unpack(one["cells"], n_cells))
                for one in listed(data["annotations"])
            ),
            colouring=_colouring(data["colouring"]),
            views=_views(data["views"]),
            model=maybe(text, data["model"]),
            explanation=maybe(text, data["explanation"]),
        )
    except WRONG as error:
        raise DataError(f"it lacks or misstates {str(error)[:80] or type(error).__name__}") from error


def plain(value: Any) -> Any:
    """Write a field of a state: channels as objects, tuples as lists, the rest as it is."""
    if isinstance(value, ChannelRef):
        return value.to_json()
    if isinstance(value, tuple):
        return [plain(part) for part in value]
    return value


def fancy(value: Any) -> Any:
    """Read a field that `plain` wrote."""
    if isinstance(value, dict):
        return channel(value)
    if isinstance(value, list):
        return tuple(fancy(part) for part in value)
    if isinstance(value, str):
        return text(value)
    if value is None or isinstance(value, bool | int):
        return value
    return number(value)


def channel(data: Mapping[str, Any]) -> ChannelRef:
    """Read the name of a channel."""
    for key, value in dict(data["params"]).items():
        if not isinstance(value, str | int | float | bool):
            raise ValueError(f"the parameter {key[:40]} of a channel")
    return ChannelRef.from_json(data)


def text(value: Any) -> str:
    """Accept a text of reasonable length that can be written to a file."""
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise TypeError("a text")
    value.encode("utf-8")
    return value


def number(value: Any) -> float:
    """Accept a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError("a number")
    return float(value)


def listed(value: Any) -> list[Any]:
    """Accept a list."""
    if not isinstance(value, list):
        raise TypeError("a list")
    return value


def maybe(read: Callable[[Any], Any], value: Any) -> Any:
    """Accept null, or what ``read`` accepts."""
    return None if value is None else read(value)


def _pair(value: Any, read: Callable[[Any], Any]) -> tuple[Any, Any]:
    first, second = listed(value)
    return read(first), read(second)


def _whole(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1_000_000:
        raise TypeError("a whole number")
    return value


def _colouring(data: Mapping[str, Any]) -> Colouring:
    return Colouring(
        maybe(channel, data["channel"]),
        maybe(lambda value: _pair(value, number), data["limits"]),
        tuple(_pair(pair, text) for pair in listed(data["palette"])),
        tuple(text(name) for name in listed(data["hidden"])),
    )


def _views(data: Mapping[str, Any]) -> Views:
    known = {part.name for part in fields(Views)}
    values = {name: fancy(value) for name, value in dict(data).items() if name in known}
    values["embedding"] = maybe(text, data["embedding"])
    values["components"] = _pair(data["components"], _whole)
    values["axes"] = maybe(lambda value: _pair(value, channel), data["axes"])
    values["section"] = maybe(text, data["section"])
    views = Views(**values)
    hash(views)
    return views
