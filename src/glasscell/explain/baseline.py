"""What a cell is compared with, by name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from glasscell.errors import NotCompatible

if TYPE_CHECKING:
    from scipy import sparse

    from glasscell.models.target import Target

Floats = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int32]

DEPTH_STEPS = 8
NEAREST_IN_DEPTH = 30

# Shown in menus: name and what choosing it means.
BASELINES: tuple[tuple[str, str], ...] = (
    ("other_classes", "average of the other classes, each class counting the same"),
    ("mean", "average of all training cells"),
    ("zero", "no expression at all: an empty cell, unlike anything the model has seen"),
    (
        "depth_matched",
        "average of the other classes among cells about as deeply sequenced as the cell itself",
    ),
    ("class:NAME", "average of one class"),
)


@dataclass(frozen=True, eq=False)
class Baseline:
    """One or a few reference profiles in the model's input space, and which of them each cell has.

    Parameters
    ----------
    name
        As asked for.
    text
        What it is, in words.
    values_bg
        Profiles, ``(n_baselines, n_genes)``.
    of_cell
        Row of ``values_bg`` for every cell of the dataset, ``(n_cells,)``.
    """

    name: str
    text: str
    values_bg: Floats
    of_cell: Ints


@dataclass(frozen=True, eq=False)
class Training:
    """What baselines are made of: inputs, classes and which cells a net was trained on.

    Parameters
    ----------
    inputs_cg
        The model's input for every cell of the dataset, CSR, ``(n_cells, n_genes)``.
    codes
        Class of each cell, -1 for none, ``(n_cells,)``.
    classes
        Names of the classes.
    trained
        Cells the nets in question were trained on, ``(n_cells,)``.
    size
        Total counts of each cell, ``(n_cells,)``; None when the data are not counts.
    """

    inputs_cg: sparse.csr_matrix
    codes: Ints
    classes: tuple[str, ...]
    trained: Bools
    size: Floats | None = None

    @property
    def n_cells(self) -> int:
        """Cells of the dataset."""
        return int(self.inputs_cg.shape[0])

    def cells(self, code: int) -> NDArray[np.intp]:
        """Return the training cells of one class."""
        return np.flatnonzero(self.trained & (self.codes == code))

    def mean(self, cells: NDArray[np.intp]) -> Floats:
        """Return the mean input over cells, ``(n_genes,)``."""
        return np.asarray(self.inputs_cg[cells].astype(np.float64).mean(axis=0)).ravel()


def make_baseline(name: str, training: Training, target: Target) -> Baseline:
    """Build a baseline by name.

    Parameters
    ----------
    name
        ``other_classes``, ``mean``, ``zero``, ``depth_matched`` or ``class:NAME``.
    training
        Inputs and classes; only training cells enter an average.
    target
        What is explained; its class is left out of ``other_classes`` and ``depth_matched``.

    Raises
    ------
    NotCompatible
        The name is unknown, or the data lack what it needs.
    """
    kind, _, wanted = name.partition(":")
    if kind == "zero":
        return _single(name, "no expression of any gene", np.zeros(training.inputs_cg.shape[1]), training)
    if kind == "mean":
        cells = np.flatnonzero(training.trained)
        return _single(name, f"average of all {len(cells):,} training cells", training.mean(cells), training)
    if kind == "class":
        return _one_class(name, wanted, training)
    if kind == "depth_matched" and not training.classes:
        pool = np.flatnonzero(training.trained)
        return _depth_matched(name, "average of training cells", [pool], training)
    if not training.classes:
        training = _without_classes(training)
    others = _others(training, target)
    listed = ", ".join(training.classes[code] for code in others)
    if kind == "other_classes":
        profile = np.mean([training.mean(training.cells(code)) for code in others], axis=0)
        return _single(
            name, f"average of training cells of {listed}, each class counting the same", profile, training
        )
    if kind == "depth_matched":
        pools = [training.cells(code) for code in others]
        return _depth_matched(name, f"average of training cells of {listed}", pools, training)
    known = ", ".join(known for known, _ in BASELINES)
    raise NotCompatible(f"There is no baseline {name!r}; there are {known}.")


def _without_classes(training: Training) -> Training:
    """Take all training cells as of one kind, for a model that knows no classes."""
    codes = np.where(training.trained, 0, -1).astype(np.int32)
    return replace(training, classes=("every kind",), codes=codes)


def _single(name: str, text: str, profile_g: Floats, training: Training) -> Baseline:
    return Baseline(name, text, np.asarray(profile_g, np.float64)[None], np.zeros(training.n_cells, np.int32))


def _one_class(name: str, wanted: str, training: Training) -> Baseline:
    if wanted not in training.classes:
        raise NotCompatible(
            f"There is no class {wanted!r} to compare with; there are {', '.join(training.classes)}."
        )
    cells = training.cells(training.classes.index(wanted))
    if not len(cells):
        raise NotCompatible(f"No training cell is of class {wanted!r}; choose another baseline.")
    return _single(
        name, f"average of {len(cells):,} training cells of {wanted}", training.mean(cells), training
    )


def _others(training: Training, target: Target) -> list[int]:
    """Return the classes a target is compared with: all but its own, or the one a contrast names."""
    present = [code for code in range(len(training.classes)) if len(training.cells(code))]
    names = {code: training.classes[code] for code in present}
    if target.kind == "contrast" and target.against is not None:
        chosen = [code for code in present if names[code] == target.against]
    else:
        chosen = [
            code for code in present if names[code] != target.name or target.kind not in ("class", "contrast")
        ]
    if not chosen:
        raise NotCompatible(
            "There are no training cells of other classes to compare with; choose the baseline zero."
        )
    return chosen


def _depth_matched(name: str, words: str, pools: list[NDArray[np.intp]], training: Training) -> Baseline:
    if training.size is None:
        raise NotCompatible(
            "The baseline depth_matched needs counts, and these data hold none; choose other_classes."
        )
    depth = np.log1p(np.asarray(training.size, np.float64))
    pool = np.concatenate(pools)
    if not len(pool):
        raise NotCompatible("None of these cells trained the model; choose the baseline zero.")
    centres = np.unique(np.quantile(depth[pool], (np.arange(DEPTH_STEPS) + 0.5) / DEPTH_STEPS))
    profiles = [
        np.mean([training.mean(_nearest(cells, depth, centre)) for cells in pools], axis=0)
        for centre in centres
    ]
    edges = (centres[1:] + centres[:-1]) / 2
    text = f"{words} of similar depth, in {len(centres)} steps"
    return Baseline(name, text, np.stack(profiles), np.searchsorted(edges, depth).astype(np.int32))


def _nearest(cells: NDArray[np.intp], depth: Floats, centre: float) -> NDArray[np.intp]:
    """Return the cells closest in depth to a centre, so that every class has a say at every depth."""
    return cells[np.argsort(np.abs(depth[cells] - centre), kind="stable")[:NEAREST_IN_DEPTH]]
