"""What counts as one observation when two groups of cells are compared: a cell, or a donor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from glasscell.errors import DataError, NotCompatible

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.data.design import Design
    from glasscell.data.section import Sections
    from glasscell.explain.result import Bools, Ints

Unit = Literal["auto", "cells", "donors"]
UNITS: tuple[Unit, ...] = ("auto", "cells", "donors")
MIN_DONORS = 4
MIN_CELLS = 10
TOO_FEW = "too few donors"
#: Below this overlap two sides are of different conditions; above this difference of shares they lean.
LEAST_ALIKE, UNEVEN = 0.5, 0.2


@dataclass(frozen=True, eq=False)
class Replicates:
    """Donors on both sides.

    Parameters
    ----------
    donor_c
        Donor of each cell, -1 for none, ``(n_cells,)``.
    a, b
        Donors with enough cells on each side; equal when paired.
    paired
        Whether each donor stands on both sides.
    names
        Name of each donor.
    """

    donor_c: Ints
    a: tuple[int, ...]
    b: tuple[int, ...]
    paired: bool
    names: tuple[str, ...]

    @property
    def enough(self) -> bool:
        """Whether a test makes sense."""
        return min(len(self.a), len(self.b)) >= MIN_DONORS


@dataclass(frozen=True, eq=False)
class UnitChoice:
    """What is counted, the replicates when it is donors, and sentences about the choice."""

    unit: Literal["cells", "donors"]
    replicates: Replicates | None
    notes: tuple[str, ...]


def choose_unit(dataset: Dataset, a: Bools, b: Bools, design: Design, unit: Unit = "auto") -> UnitChoice:
    """Choose what counts as one observation.

    Between conditions, donors or samples it is the donor, and cells are refused: cells of one donor are no
    repeated experiment. Within them it is the cell, unless four donors or more stand on both sides. Between
    sections or fields of view of unknown donor it is the donor too, but cells may be asked for.

    Parameters
    ----------
    a, b
        The two sides, ``(n_cells,)``.
    unit
        ``auto``, or what the user insists on.

    Raises
    ------
    NotCompatible
        Cells are asked for between conditions, or donors where none is known.
    DataError
        ``unit`` is none of the three.
    """
    if unit not in UNITS:
        raise DataError(f"The unit is {', '.join(UNITS)}, not {unit!r}.")
    word, apart = _apart(dataset, a, b, design)
    if apart and unit == "cells" and word != "section":
        raise NotCompatible(
            f"A and B differ in {apart}: cells cannot be the unit there, because cells of one donor are not "
            "independent. Leave the unit to Glasscell, or name the donors."
        )
    if unit == "cells":
        told = (
            (f"A and B differ in {apart}: p speaks of these cells, not of tissue at large.",) if apart else ()
        )
        return UnitChoice("cells", None, (*told, *_within_notes(design, a, b)))
    if apart:
        replicates, notes = _replicates(design, a, b)
        return UnitChoice(
            "donors", replicates, (f"A and B differ in {apart}, so donors are compared.", *notes)
        )
    if design.donors is None:
        if unit == "donors":
            raise NotCompatible(
                "No donors are known, so they cannot be the unit. Name the donor's obs column (--donor), or "
                "how a column is made up, for example sample={condition}{donor}."
            )
        return UnitChoice("cells", None, _within_notes(design, a, b))
    replicates, notes = _replicates(design, a, b)
    if unit == "donors" or (replicates.paired and replicates.enough):
        return UnitChoice("donors", replicates, notes)
    return UnitChoice("cells", None, _within_notes(design, a, b))


def _apart(dataset: Dataset, a: Bools, b: Bools, design: Design) -> tuple[str, str]:
    """Name in what most cells of A are unlike those of B, by kind and by column; empty for nothing.

    Conditions set them apart when the shares of their values overlap by less than half: a few stray cells do
    not make two conditions one. Donors, samples and sections do when no side lies mostly in those of the
    other: a patch of one section against the rest of all is within.
    """
    sections = dataset.sections if len(dataset.sections) > 1 else None
    kinds = (
        ("condition", design.conditions),
        ("donor", design.donors),
        ("sample", design.samples),
        ("section", sections),
    )
    for word, groups in kinds:
        if groups is None:
            continue
        of_a, of_b = _shares(groups, a), _shares(groups, b)
        if not of_a.any() or not of_b.any():
            continue
        if word == "condition":
            alike = float(np.minimum(of_a, of_b).sum())
        else:
            alike = max(_inside(groups, a, b), _inside(groups, b, a))
        if alike < LEAST_ALIKE:
            return word, f'{word} (column "{groups.source}")' if groups.source else word
    return "", ""


def _shares(groups: Sections, mask: Bools) -> NDArray[np.float64]:
    """Return the share of each value among the cells of a side that have one."""
    codes = groups.codes[mask]
    counts = np.bincount(codes[codes >= 0], minlength=len(groups)).astype(np.float64)
    return np.asarray(counts / max(counts.sum(), 1.0))


def _inside(groups: Sections, side: Bools, other: Bools) -> float:
    """Return the share of a side's cells whose donor or section has enough cells on the other side."""
    large = _large(groups.codes, other, len(groups)) or {
        int(code) for code in np.unique(groups.codes[other]) if code >= 0
    }
    return float(_shares(groups, side)[sorted(large)].sum())


def _codes(groups: Sections, mask: Bools) -> NDArray[Any]:
    codes = np.unique(groups.codes[mask])
    return codes[codes >= 0]


def _replicates(design: Design, a: Bools, b: Bools) -> tuple[Replicates, tuple[str, ...]]:
    notes = [design.note] if design.note else []
    groups = design.donors if design.donors is not None else design.samples
    if groups is None:
        notes.append("No donor is named: all cells of a side count as one donor. Name the column (--donor).")
        donor_c = np.where(a, 0, np.where(b, 1, -1)).astype(np.int32)
        return Replicates(donor_c, (0,), (1,), False, ("A", "B")), tuple(notes)
    if design.donors is None:
        notes.append(f'No donor is named: each value of "{groups.source}" counts as one donor.')
    large = [_large(groups.codes, side, len(groups)) for side in (a, b)]
    both = tuple(sorted(large[0] & large[1]))
    dropped = [
        groups.names[code]
        for code in sorted(
            {int(code) for code in np.unique(groups.codes[a | b]) if code >= 0} - (large[0] | large[1])
        )
    ]
    if dropped:
        notes.append(f"Left out for fewer than {MIN_CELLS} cells a side: {', '.join(dropped[:5])}.")
    if both:
        alone = (large[0] ^ large[1]) - set(both)
        if alone:
            names = ", ".join(groups.names[code] for code in sorted(alone)[:5])
            notes.append(f"Left out because they stand on one side only: {names}.")
        return Replicates(groups.codes, both, both, True, groups.names), tuple(notes)
    if not large[0] or not large[1]:
        raise DataError(
            f"No donor has {MIN_CELLS} cells on each side that could be compared; choose larger groups."
        )
    sides = tuple(sorted(large[0])), tuple(sorted(large[1]))
    return Replicates(groups.codes, *sides, False, groups.names), tuple(notes)


def _large(codes_c: Ints, side: Bools, n: int) -> set[int]:
    sizes = np.bincount(codes_c[side & (codes_c >= 0)], minlength=n)
    return {int(code) for code in np.flatnonzero(sizes >= MIN_CELLS)}


def _within_notes(design: Design, a: Bools, b: Bools) -> tuple[str, ...]:
    notes = []
    n = 0 if design.donors is None else len(_codes(design.donors, a | b))
    if n > 1:
        notes.append(f"Cells are the unit: p speaks of these cells of {n} donors, not of donors at large.")
    groups = design.conditions
    if groups is not None and len(groups) > 1:
        of_a, of_b = _shares(groups, a), _shares(groups, b)
        most = int(np.argmax(np.abs(of_a - of_b)))
        if abs(of_a[most] - of_b[most]) > UNEVEN:
            notes.append(
                f"{groups.names[most]} is the condition of {of_a[most]:.0%} of A and {of_b[most]:.0%} of B: "
                "part of what differs may be that."
            )
    return tuple(notes)
