"""What a model said of another sample, with all that is needed to doubt it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from glasscell.models.gene_match import GeneMatch

#: From this share of flagged cells on the sample as a whole is called unlike the training data.
UNLIKE = 0.5


@dataclass(frozen=True)
class Expected:
    """Accuracy on training cells, each by the net that has not seen it.

    Parameters
    ----------
    with_present
        With the genes in common only.
    with_all
        With all genes of the model.
    majority
        Of always saying the most frequent class.
    n_cells
        Cells these are made of.
    baselines
        Accuracy of simple baselines (logistic, coordinates) on all held-out cells with all genes, by name.
    """

    with_present: float
    with_all: float
    majority: float
    n_cells: int
    baselines: Mapping[str, float] = field(default_factory=dict)

    def sentence(self) -> str:
        """Tell the accuracy with what simple baselines reach beside it."""
        beside = ", ".join(f"{name} {share:.0%}" for name, share in self.baselines.items())
        return (
            f"On its own held-out cells the model is right for {self.with_present:.0%} with these genes, "
            f"{self.with_all:.0%} with all, {self.majority:.0%} by the most frequent class alone"
            + (f"; baselines with all genes, trained anew: {beside}." if beside else ".")
        )


@dataclass(frozen=True, eq=False)
class Applied:
    """Predictions for every cell of a file, and which cells are unlike the training cells.

    Parameters
    ----------
    model, title
        Id of the bundle and name of its family.
    data_fingerprint, names
        Of the file it was applied to, and its cells.
    labels_name, classes
        What was learnt; empty for models without classes.
    match
        Which genes were there.
    probabilities_ck
        Mean over nets, ``(n, n_classes)`` float32; NaN for a cell without counts in the genes in common.
    latent_cz
        Latents of a model without classes, ``(n, n_latent)``; else None.
    typicality_c
        Share of cells like the training cells that are as far off, ``(n,)`` float32.
    level
        Cells below it are flagged.
    gene_share
        Share of a training cell's total in the genes in common.
    expected
        What the model still gets right with these genes on its own held-out cells; None without classes.
    calibrated
        Whether the probabilities were calibrated on the training file; else they are the raw softmax.
    """

    model: str
    title: str
    data_fingerprint: str
    names: NDArray[np.str_]
    labels_name: str
    classes: tuple[str, ...]
    match: GeneMatch
    probabilities_ck: NDArray[np.float32]
    latent_cz: NDArray[np.float32] | None
    typicality_c: NDArray[np.float32]
    level: float
    gene_share: float
    expected: Expected | None
    calibrated: bool = True

    def __post_init__(self) -> None:
        """Make the arrays read-only."""
        for column in (self.names, self.probabilities_ck, self.typicality_c, self.latent_cz):
            if column is not None:
                column.setflags(write=False)

    @property
    def id(self) -> str:
        """Short name, for channel refs."""
        return f"{self.model}@{self.data_fingerprint[:12]}"

    @cached_property
    def codes(self) -> NDArray[np.int32]:
        """Likeliest class of each cell, ``(n,)``; -1 where nothing could be said."""
        if not self.classes:
            return np.full(len(self.names), -1, np.int32)
        best = np.nan_to_num(self.probabilities_ck, nan=-1.0).argmax(axis=1)
        return np.where(self.known, best, -1).astype(np.int32)

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Cells that something could be said of, ``(n,)``."""
        return np.isfinite(self.typicality_c)

    @cached_property
    def flagged(self) -> NDArray[np.bool_]:
        """Cells unlike the training cells, ``(n,)``; those nothing can be said of are among them."""
        return ~(self.typicality_c >= self.level)

    @property
    def flagged_share(self) -> float:
        """Share of the cells that are flagged."""
        return float(self.flagged.mean()) if len(self.flagged) else 0.0

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Sentences a reader must see: genes, flag, what is left of the accuracy, cells left out."""
        said = [self.match.sentence()]
        if self.match.missing:
            said.append(
                "Each missing gene stands at its mean over the training cells and speaks for no class; the "
                f"genes in common hold {self.gene_share:.0%} of a training cell's total."
            )
        share = f"{self.flagged_share:.1%} of the cells are unlike the training cells"
        if self.flagged_share >= UNLIKE:
            said.append(f"{share}: this sample is out of the model's range; do not rely on what it says.")
        else:
            said.append(f"{share} ({self.level:.0%} of cells like them would be, too).")
        if self.expected is not None and self.match.missing:
            said.append(self.expected.sentence())
        silent = int((~self.known).sum())
        if silent:
            cells = "1 cell has" if silent == 1 else f"{silent:,} cells have"
            said.append(f"{cells} no counts in the genes in common: no prediction there.")
        return tuple(said)

    def table(self) -> pd.DataFrame:
        """List every cell: ``cell, prediction, probability, typicality, flagged``, and latents if any.

        The probability is named ``softmax_uncalibrated`` where it is not calibrated.
        """
        import pandas as pd

        from glasscell.models.prediction import probability_column

        columns: dict[str, Any] = {"cell": self.names}
        if self.classes:
            classes = np.asarray((*self.classes, ""), object)
            columns["prediction"] = classes[self.codes]
            columns[probability_column(self.calibrated)] = self.probabilities_ck.max(axis=1)
        for place in range(0 if self.latent_cz is None else self.latent_cz.shape[1]):
            assert self.latent_cz is not None
            columns[f"latent {place}"] = self.latent_cz[:, place]
        return pd.DataFrame(columns | {"typicality": self.typicality_c, "flagged": self.flagged})

    def to_json(self) -> dict[str, Any]:
        """Return the summary as plain values that JSON can hold."""
        counts = np.bincount(self.codes[self.codes >= 0], minlength=len(self.classes))
        kept = np.bincount(self.codes[(self.codes >= 0) & ~self.flagged], minlength=len(self.classes))
        expected = self.expected
        return {
            "model": self.model,
            "n_cells": len(self.names),
            "genes": {
                "model": len(self.match.wanted),
                "present": self.match.n_present,
                "share": self.match.share,
                "renamed": self.match.renamed,
                "missing": list(self.match.missing),
            },
            "flagged": int(self.flagged.sum()),
            "flagged_share": self.flagged_share,
            "level": self.level,
            "predicted": {
                name: {"cells": int(all_), "not_flagged": int(left)}
                for name, all_, left in zip(self.classes, counts, kept, strict=True)
            },
            "expected": None if expected is None else vars(expected),
            "notes": list(self.notes),
        }

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        return f"<b>{escape(self.model)}</b> on {len(self.names):,} cells<ul>{notes}</ul>"
