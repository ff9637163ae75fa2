"""Will it work: what a model needs and what a file has, line by line, before anything runs."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glasscell.models.family import LooksAhead
from glasscell.models.preflight_applying import applying_lines
from glasscell.models.preflight_line import PreflightLine
from glasscell.models.preflight_training import training_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glasscell.data.dataset import Dataset
    from glasscell.data.labels import Labels
    from glasscell.models.bundle import Bundle
    from glasscell.models.capability.model import Model
    from glasscell.models.preflight_line import Verdict

__all__ = ["MIN_OVERLAP", "Preflight", "PreflightLine", "check"]

MIN_OVERLAP = 0.5
_INK = {"yes": "#1a7f37", "warning": "#9a6700", "no": "#cf222e"}


@dataclass(frozen=True)
class Preflight:
    """All lines about one model and one file; true when nothing says no."""

    title: str
    lines: tuple[PreflightLine, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of all lines."""
        found = {line.verdict for line in self.lines}
        return "no" if "no" in found else "warning" if "warning" in found else "yes"

    @property
    def reasons(self) -> tuple[str, ...]:
        """Sentences of the lines that say no."""
        return tuple(line.sentence for line in self.lines if line.verdict == "no")

    def __bool__(self) -> bool:
        return self.verdict != "no"

    def __str__(self) -> str:
        lines = [f"{line.verdict:8} {line.name:12} {line.sentence}" for line in self.lines]
        return "\n".join([f"{self.title}: {self.verdict}", *lines])

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td style="color:{_INK[line.verdict]}"><b>{line.verdict}</b></td>'
            f'<td>{escape(line.name)}</td><td style="text-align:left">{escape(line.sentence)}</td></tr>'
            for line in self.lines
        )
        return f"<table><caption>{escape(self.title)}: {self.verdict}</caption>{rows}</table>"

    def to_json(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        lines = [
            {"name": line.name, "verdict": line.verdict, "sentence": line.sentence} for line in self.lines
        ]
        return {"title": self.title, "verdict": self.verdict, "lines": lines}


def check(
    model: Model | Bundle | str | Path,
    dataset: Dataset,
    labels: str | Labels = "",
    batch: str = "",
    *,
    action: str = "",
    control: str = "",
    rename: Mapping[str, str] | str = "",
    min_overlap: float = MIN_OVERLAP,
) -> Preflight:
    """Say whether a family can be trained on a file, or a trained model applied to it.

    Nothing is trained and no table is read whole, so it takes a moment even on large files.

    Parameters
    ----------
    model
        A family by key (``classifier``): can it be trained here? A model, a bundle or the folder of one:
        can it be applied here?
    labels
        Obs column with the classes, or the labels themselves; of use for families that learn classes.
    batch
        Obs column with a technical batch.
    action, control
        Obs column of what was done to each cell, and the name of the control in it; for families that learn
        perturbations.
    rename
        Names of the file's genes in the model; see ``match_genes``.
    min_overlap
        Share of a trained model's genes the file must have.

    Returns
    -------
    Lines about cells, counts, labels, coordinates, batch and genes: yes, warning or no.

    Raises
    ------
    NotCompatible
        There is no such family.
    ModelError
        The folder holds no model.
    """
    from glasscell.models.registry import FAMILIES
    from glasscell.models.registry import family as find_family

    if isinstance(model, Path) or (isinstance(model, str) and model not in FAMILIES and Path(model).is_dir()):
        from glasscell.models.bundle_file import load_bundle

        model = load_bundle(model)
    if isinstance(model, str):
        family = find_family(model)
        info = family.info
        lines = training_lines(info, dataset, labels, batch, action, control)
        if isinstance(family, LooksAhead) and dataset.n_cells:
            lines.append(family.look_ahead(dataset))
        return Preflight(f"Train {info.title}", tuple(lines))
    net = model.folds[0] if hasattr(model, "folds") else model
    lines = applying_lines(net, dataset, rename, min_overlap)
    return Preflight(f"Apply {net.info.title}", tuple(lines))
