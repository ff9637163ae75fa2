"""How a job stands, in the few words that a line of the strip has room for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glasscell.views.row import JobRow

_ROLES = {"failed": "bad", "cancelled": "warn", "superseded": "muted", "done": "muted"}


@dataclass(frozen=True)
class JobWords:
    """What is written of a job.

    Parameters
    ----------
    state
        Time left, else how it stands or ended.
    state_role
        ``muted``, ``warn`` or ``bad``.
    text
        What it is at, or what went wrong; empty where nothing is left to say.
    text_role
        ``muted`` or ``bad``.
    """

    state: str
    state_role: str
    text: str
    text_role: str


def job_words(row: JobRow) -> JobWords:
    """Say how a job stands."""
    running = row.can_cancel
    left = duration(row.eta) if row.eta is not None and running else ""
    return JobWords(
        left or (row.state if running else row.outcome),
        "muted" if running else _ROLES.get(row.outcome, "muted"),
        "" if row.outcome == "done" else row.text,
        "bad" if row.outcome == "failed" else "muted",
    )


def duration(seconds: float) -> str:
    """Write a time left in words short enough for a strip."""
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole} s left"
    minutes, rest = divmod(whole, 60)
    return (
        f"{minutes} min {rest:02d} s left"
        if minutes < 60
        else f"{minutes // 60} h {minutes % 60:02d} min left"
    )
