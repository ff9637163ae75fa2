"""Settings that most families have, said once: how long, in which steps and on how many cells they train."""

from __future__ import annotations

from typing import Any

from pydantic import Field


def learning_rate(default: float, *, advanced: bool = False) -> Any:
    """Offer the step size of AdamW."""
    return _field(default, "Learning rate", "Step size of AdamW.", advanced, ge=1e-6, le=1.0)


def weight_decay(default: float, *, advanced: bool = False) -> Any:
    """Offer the pull of weights to zero."""
    return _field(default, "Weight decay", "Pull of weights towards zero.", advanced, ge=0, le=10)


def batch_size(default: int, *, advanced: bool = False) -> Any:
    """Offer the number of cells of a step."""
    words = "Cells per step; fewer when there are few cells."
    return _field(default, "Batch size", words, advanced, ge=8, le=65536)


def max_epochs(default: int) -> Any:
    """Offer the number of epochs at most."""
    return _field(default, "Most epochs", "Passes over the cells, at most.", False, ge=1, le=10000)


def patience(default: int) -> Any:
    """Offer how long training goes on without a better validation loss."""
    words = "Stop after so many epochs without a better validation loss."
    return _field(default, "Patience", words, False, ge=1, le=1000)


def average_steps(default: int) -> Any:
    """Offer how far back the mean of the weights reaches that is kept; see ``Learner``."""
    words = "The net that is kept is the mean over about so many steps; 1: the last step alone."
    return _field(default, "Averaged steps", words, True, ge=1, le=10000)


def class_weight(default: float, *, advanced: bool = False) -> Any:
    """Offer how far rare classes count as much as common ones."""
    words = "0: every cell counts alike; 1: every class does."
    return _field(default, "Class weights", words, advanced, ge=0, le=1)


def dropout(default: float) -> Any:
    """Offer the share of hidden units left out at each step."""
    return _field(default, "Hidden dropout", "Share of hidden units dropped.", False, ge=0, le=0.95)


def _field(default: float, title: str, description: str, advanced: bool, *, ge: float, le: float) -> Any:
    extra: dict[str, Any] | None = {"advanced": True} if advanced else None
    found: Any = Field(default, ge=ge, le=le, title=title, description=description, json_schema_extra=extra)
    return found
