"""What a view for training asks for: the choices there are, and those that a kind of model uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glasscell.views.row import FamilyRow

#: Title and tip of every choice, in the order they stand in.
CHOICES = {
    "family": ("Model", "Kind of model: with labels it learns classes, without it finds latents"),
    "labels": ("Learn", "What the model learns to predict: a column, or your named groups"),
    "split": ("Hold out by", "How cells are held out; figures always name it"),
    "batch": ("Batch", "Technical batch whose effect is taken out of the latents"),
    "action": ("Perturbation", "What was done to each cell: its perturbation"),
    "control": ("Control", "Which of these is no perturbation"),
}
SEED, SEED_TIP = "Seed", "Same seed, same split and same model"
NO_BATCH, NO_CONTROL = "none", "choose"

TRAIN, CANCEL, CANCEL_TIP = "Train", "Cancel", "Stop training; nothing is kept"
GROUP, GROUP_TIP = "Make group", "Keep the selected cells under this name; two groups make labels"
GROUP_NAME = "Name for the selected cells"
SAVE_TIP, LOAD_TIP = "Save the trained model to a new folder", "Load a model folder"
SCVI, SCVI_TIP = (
    "Open scvi-tools model…",
    "Open a SCVI, SCANVI, LinearSCVI or DRVI that scvi-tools saved; you are told what that runs, and asked",
)
SCVI_ASKED = "Open scvi-tools model?"
CURVE = "Loss (dotted: training, solid: validation)"


def family_words(row: FamilyRow) -> str:
    """Call a kind of model; one that cannot be used here says so, where a list cannot be greyed in part."""
    return f"{row.title} (not here: {row.why_not})" if row.why_not else row.title


def is_used(row: FamilyRow | None, choice: str) -> bool:
    """Whether a kind of model uses a choice; where none is known yet it is one that learns labels."""
    if choice in ("labels", "split"):
        return row is None or row.needs_labels or row.takes_labels
    if choice == "batch":
        return row is not None and row.takes_batch
    if choice in ("action", "control"):
        return row is not None and row.needs_action
    return True


def used(row: FamilyRow | None, chosen: Mapping[str, str]) -> dict[str, str]:
    """Return what is chosen, empty wherever the kind of model does not use it."""
    return {name: chosen[name] if is_used(row, name) else "" for name in CHOICES}


def question(row: FamilyRow | None, chosen: Mapping[str, str]) -> tuple[str, str, str]:
    """Return family, labels and batch, for the check before training."""
    asked = used(row, chosen)
    return asked["family"], asked["labels"], asked["batch"]


def done(row: FamilyRow | None, chosen: Mapping[str, str]) -> tuple[str, str]:
    """Return the column of perturbations and the control, for the check before training."""
    asked = used(row, chosen)
    return asked["action"], asked["control"]


def wish(
    row: FamilyRow | None, chosen: Mapping[str, str], params: Mapping[str, Any], seed: int
) -> dict[str, Any]:
    """Put together what is asked of a training."""
    asked = used(row, chosen)
    return {**asked, "family": asked["family"] or "classifier", "params": dict(params), "seed": seed}


def train_tip(row: FamilyRow | None) -> str:
    """Say what pressing the button does."""
    if row is None or row.needs_labels:
        return "Train in the background; every labelled cell is predicted held out"
    return "Train one net in the background; its latents become an embedding"
