"""Sections and donors: which column says what belongs together, and how sections are laid out."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from glasscell.data.tissue import Extent, Pair
from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

SECTION_COLUMNS = (
    "library_id", "section", "section_id", "tissue_section", "slice", "slice_id", "slide", "slide_id",
    "capture_area", "puck", "imageid", "image_id", "brain_section_label", "bregma",
)  # fmt: skip
# These number pieces of one tissue as often as separate ones: sections only when their coordinates coincide.
LOCAL_COLUMNS = ("fov", "fov_id", "sample", "sample_id", "library", "batch")
DONOR_COLUMNS = (
    "donor", "donor_id", "patient", "patient_id", "individual", "individual_id", "subject", "subject_id",
    "participant", "participant_id", "animal", "animal_id", "mouse", "mouse_id",
)  # fmt: skip
MAX_SECTIONS = 200
#: Width over height of a canvas between docks.
SCREEN_SHAPE = 1.3
_OVERLAP = 0.02
_COINCIDE = 0.5


@dataclass(frozen=True, eq=False)
class Sections:
    """Cells grouped by section, or by donor.

    Parameters
    ----------
    names
        One name per group, in natural order.
    codes
        int32, shape ``(n_cells,)``: index into ``names``, -1 for a cell of no group.
    source
        The obs column it was read from, empty when there is only one group by default.
    """

    names: tuple[str, ...]
    codes: npt.NDArray[np.int32]
    source: str = ""

    def __len__(self) -> int:
        return len(self.names)

    def mask(self, group: int | str) -> npt.NDArray[np.bool_]:
        """Cells of one group, by number or name, shape ``(n_cells,)``.

        Raises
        ------
        DataError
            There is no group of this name.
        """
        if isinstance(group, str):
            if group not in self.names:
                raise DataError(f"There is no {group!r}; there are {', '.join(self.names)}.")
            group = self.names.index(group)
        return np.asarray(self.codes == group)

    @cached_property
    def sizes(self) -> npt.NDArray[np.int64]:
        """Number of cells in each group."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.names))


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key that puts point8 before point16."""
    parts = re.findall(r"\d+|\D+", name)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)


def group_by(obs: pd.DataFrame, column: str) -> Sections:
    """Group cells by the values of an obs column; cells without a value get code -1.

    Raises
    ------
    DataError
        There is no such column.
    """
    if column not in obs.columns:
        known = ", ".join(map(str, obs.columns[:20])) or "none"
        raise DataError(f"There is no obs column {column!r}; the columns are {known}.")
    values = obs[column]
    missing = values.isna().to_numpy()
    texts = np.array([_text(value) for value in values.tolist()], dtype=np.str_)
    names = sorted(set(texts[~missing].tolist()), key=natural_key)
    codes = np.full(len(texts), -1, dtype=np.int32)
    if names:
        order = np.argsort(np.array(names))
        found = np.searchsorted(np.array(names), texts[~missing], sorter=order)
        codes[~missing] = order[found]
    return Sections(tuple(names), codes, column)


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _columns(obs: pd.DataFrame, wanted: Sequence[str]) -> list[str]:
    by_name = {str(column).casefold(): str(column) for column in reversed(obs.columns.tolist())}
    return [by_name[name] for name in wanted if name in by_name]


def _usable(groups: Sections) -> bool:
    return 1 <= len(groups) <= MAX_SECTIONS and bool((groups.codes >= 0).all())


def group_extents(groups: Sections, positions_cd: npt.NDArray[np.float64]) -> dict[str, Extent]:
    """Bounding box of the cells of each group that has positions."""
    boxes = {name: Extent.of_points(positions_cd[groups.mask(name)]) for name in groups.names}
    return {name: box for name, box in boxes.items() if box is not None}


def _coincide(groups: Sections, positions_cd: npt.NDArray[np.float64]) -> bool:
    boxes = list(group_extents(groups, positions_cd).values())[:12]
    pairs = [a.overlap(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :]]
    return bool(pairs) and float(np.median(pairs)) > _COINCIDE


def find_sections(
    obs: pd.DataFrame, positions_cd: npt.NDArray[np.float64] | None, libraries: Iterable[str] = ()
) -> Sections | None:
    """Find the column that says which section a cell lies in.

    Parameters
    ----------
    obs
        Table of cells.
    positions_cd
        Coordinates as stored, shape ``(n_cells, 2)``; without them there are no sections.
    libraries
        Names of the pictures in the file; a column with exactly these values is taken first.

    Returns
    -------
    The groups, or None when nothing in the file tells sections apart.
    """
    if positions_cd is None:
        return None
    wanted = set(libraries)
    if len(wanted) > 1:
        for column in obs.columns:
            if obs[column].dtype.kind in "Oi" or str(obs[column].dtype) in ("category", "string", "str"):
                groups = group_by(obs, str(column)) if obs[column].nunique() <= len(wanted) else None
                if groups is not None and _usable(groups) and set(groups.names) <= wanted:
                    return groups
    for column in _columns(obs, SECTION_COLUMNS):
        groups = group_by(obs, column)
        if _usable(groups):
            return groups
    for column in _columns(obs, LOCAL_COLUMNS):
        groups = group_by(obs, column)
        if _usable(groups) and _coincide(groups, positions_cd):
            return groups
    return None


def find_donors(obs: pd.DataFrame) -> Sections | None:
    """Find the column that names the donor (patient, animal) of each cell; None when there is none."""
    for column in _columns(obs, DONOR_COLUMNS):
        groups = group_by(obs, column)
        if 1 <= len(groups) < max(2, len(obs) // 2):
            return groups
    return None


def lay_out(extents: Mapping[str, Extent]) -> dict[str, Pair]:
    """Place sections side by side when any two of them overlap.

    Parameters
    ----------
    extents
        World rectangle of each section as stored.

    Returns
    -------
    (dx, dy) to add for each section; all zero when none overlap. They stand in a grid shaped like a canvas.
    """
    names = list(extents)
    boxes = [extents[name] for name in names]
    if not any(a.overlap(b) > _OVERLAP for i, a in enumerate(boxes) for b in boxes[i + 1 :]):
        return dict.fromkeys(names, (0.0, 0.0))
    gap = 0.05 * max(max(box.width, box.height) for box in boxes)
    step_x, step_y = (max(box.width for box in boxes) + gap, max(box.height for box in boxes) + gap)

    def far_from_a_screen(columns: int) -> float:
        shape = columns * step_x / (math.ceil(len(names) / columns) * step_y)
        return abs(math.log(shape / SCREEN_SHAPE))

    columns = 2 if len(names) == 2 else min(range(1, len(names) + 1), key=far_from_a_screen)
    origin = boxes[0]
    offsets = {}
    for place, (name, box) in enumerate(zip(names, boxes, strict=True)):
        row, col = divmod(place, columns)
        offsets[name] = (origin.x0 + col * step_x - box.x0, origin.y0 + row * step_y - box.y0)
    return offsets
