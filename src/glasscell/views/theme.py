"""Light and dark: one table of colours for every toolkit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Theme:
    """Colours of the controls; ``canvas`` is the ground under the cells."""

    name: str
    canvas: str
    ground: str
    raised: str
    edge: str
    text: str
    muted: str
    accent: str
    on_accent: str
    ok: str
    warn: str
    bad: str
    unknown: str


DARK = Theme(
    name="dark",
    canvas="#000000",
    ground="#23242b",
    raised="#2e333e",
    edge="#4c5563",
    text="#f0f1f2",
    muted="#a4abb5",
    accent="#4f7bea",
    on_accent="#ffffff",
    ok="#3fbf83",
    warn="#e3b617",
    bad="#ff6b61",
    unknown="#9aa3ae",
)
LIGHT = Theme(
    name="light",
    canvas="#ffffff",
    ground="#ebe7e6",
    raised="#f8f6f5",
    edge="#b4b2af",
    text="#1e1e21",
    muted="#5c5c62",
    accent="#2f5fd0",
    on_accent="#ffffff",
    ok="#13794a",
    warn="#8a6200",
    bad="#b3201a",
    unknown="#666a70",
)
