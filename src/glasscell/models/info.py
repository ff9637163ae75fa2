"""What a family of models says about itself, for menus, model cards and greyed-out entries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class FamilyParams(BaseModel):
    """Settings of a family: frozen, validated; titles and help texts make the form."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class ModelInfo:
    """A family of models in words.

    Parameters
    ----------
    key
        Registry key, kept in saved bundles.
    title
        Name in a menu.
    source
        Paper, as DOI or arXiv id; empty for textbook models.
    works_for, fails_for
        One sentence each, for people.
    min_cells
        Below this many labelled cells training is refused.
    target_kinds
        Kinds of targets its models can have.
    needs_labels
        Whether it learns classes. Families that don't train one net on all cells, and their bundles hold no
        classes, no ``metrics`` and no twin, but ``figures`` and usually ``cells.latent_cz``.
    needs_counts
        Whether it refuses data without raw counts; ``TrainingData.counts`` is then given.
    uses_counts
        Whether ``TrainingData.counts`` is given where there are counts, though it can do without.
    takes_labels
        Whether a family that doesn't need labels can be given some; ``TrainingData.codes`` then holds them.
    needs_kinds
        Whether it cannot do without the labels it takes, though it does not learn to sort cells by them.
    takes_batch
        Whether it can take the effect of a technical batch out; ``TrainingData.batch`` is then given.
    needs_positions
        Whether it looks at neighbours on the tissue; ``TrainingData.neighbours`` is then given.
    needs_modality
        A second modality it learns from beside RNA: ``protein``, ``chromatin`` or ``unspliced RNA``; empty
        for none.
    needs_action
        Whether it learns what perturbations do; ``TrainingData.action`` is then given.
    input_kind
        Its input when it takes counts otherwise than log-normalised: a kind of ``Preprocessing``, or empty.
    looks_at_unlabelled
        Whether a net that learns classes learns from cells without a label, too, those of its held-out fold
        excepted.
    """

    key: str
    title: str
    source: str
    works_for: str
    fails_for: str
    min_cells: int
    target_kinds: tuple[str, ...]
    needs_labels: bool = True
    needs_counts: bool = False
    uses_counts: bool = False
    takes_batch: bool = False
    needs_positions: bool = False
    needs_action: bool = False
    needs_modality: str = ""
    input_kind: Literal["", "log1p", "counts"] = ""
    takes_labels: bool = False
    needs_kinds: bool = False
    looks_at_unlabelled: bool = False

    @property
    def why_labels(self) -> str:
        """Why it cannot be trained without a column of labels, in one sentence; empty when it can."""
        if self.needs_labels:
            return f"{self.title} learns classes: name the column of labels to learn."
        if self.needs_kinds:
            return f"{self.title} must be told what kind each cell is: name the column of cell types."
        return ""

    @property
    def why_split(self) -> str:
        """Why it cannot be trained without cells held out, in one sentence; empty when it can."""
        said = f"{self.title} is judged on held-out cells: name how cells are held out."
        return said if self.needs_labels else ""

    def to_json(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return {"key": self.key, "title": self.title, "source": self.source}
