"""Labels: which class each cell is to be learnt as, from an obs column or from named groups."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from glasscell.data.column import categorical_codes, is_continuous, missing_name
from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glasscell.data.channel import BoolArray, CodeArray
    from glasscell.data.dataset import Dataset

MAX_CLASSES = 200
#: The name of labels that are the named groups, unless a column is called so.
GROUPS = "groups"


class Folded(Protocol):
    """What `drop_rare` needs of a split."""

    @property
    def scheme(self) -> str:
        """The scheme by name."""
        ...

    @property
    def folds(self) -> CodeArray:
        """Fold of each cell, -1 where not used."""
        ...

    @property
    def blocks(self) -> CodeArray:
        """Block of each cell, -1 where not used."""
        ...


@dataclass(frozen=True, eq=False)
class Labels:
    """One class per cell, or none.

    Parameters
    ----------
    name
        The column, or ``GROUPS``.
    codes
        int32, shape ``(n_cells,)``, index into `classes`, -1 where the cell has no class.
    classes
        Class names; each has at least one cell.
    dropped
        One sentence per reason why cells or classes were left out.
    """

    name: str
    codes: CodeArray
    classes: tuple[str, ...]
    dropped: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Make the codes a read-only int32 array."""
        codes = np.array(self.codes, dtype=np.int32)
        codes.flags.writeable = False
        object.__setattr__(self, "codes", codes)

    @property
    def labelled(self) -> BoolArray:
        """Return the cells that have a class."""
        return np.asarray(self.codes >= 0)

    @property
    def n_classes(self) -> int:
        """Return how many classes there are."""
        return len(self.classes)

    def counts(self) -> npt.NDArray[np.int64]:
        """Return the number of cells of each class, shape ``(n_classes,)``."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.classes))


def read_labels(dataset: Dataset, column: str) -> Labels:
    """Read an obs column as classes.

    Parameters
    ----------
    dataset
        The dataset.
    column
        Name of an obs column of categories, words, booleans or few whole numbers. Empty cells get no class.

    Raises
    ------
    DataError
        The column is not there, holds continuous numbers, has fewer than two classes or too many.
    """
    if column not in dataset.obs.columns:
        raise DataError(missing_name("obs column", column, dataset.obs.columns))
    values = dataset.obs[column]
    if is_continuous(values):
        raise DataError(
            f'The obs column "{column}" holds numbers, not classes; choose a column of categories.'
        )
    codes, classes = categorical_codes(values)
    if len(classes) > MAX_CLASSES:
        raise DataError(
            f'The obs column "{column}" has {len(classes)} different values, too many to learn as classes; '
            "choose a coarser column."
        )
    _need_two(column, classes)
    return Labels(column, codes, classes)


def labels_from_groups(groups: Mapping[str, npt.ArrayLike], name: str = GROUPS) -> Labels:
    """Make classes of named groups of cells; a cell in two groups gets no class.

    Parameters
    ----------
    groups
        For each class a bool mask of shape ``(n_cells,)``.
    name
        What to call the labels.

    Raises
    ------
    DataError
        Fewer than two groups hold cells of their own.
    """
    masks = {group: np.asarray(mask, dtype=np.bool_) for group, mask in groups.items()}
    _need_two(name, tuple(masks))
    table_gc = np.stack(list(masks.values()))
    times = table_gc.sum(axis=0)
    codes = np.where(times == 1, table_gc.argmax(axis=0), -1).astype(np.int32)
    shared = int((times > 1).sum())
    dropped = (f"{shared:,} cells lie in more than one group and were left out.",) if shared else ()
    counts = np.bincount(codes[codes >= 0], minlength=len(masks))
    labels = Labels(name, codes, tuple(masks), dropped)
    return _keep(labels, np.asarray(counts > 0)) if (counts == 0).any() else labels


def drop_rare(labels: Labels, split: Folded, min_cells: int = 20, min_blocks: int = 2) -> Labels:
    """Leave out the classes that are too rare to be learnt and tested.

    Parameters
    ----------
    labels
        The classes as read.
    split
        The split to be trained under; only cells in a fold count.
    min_cells
        Least number of cells of a class.
    min_blocks
        Least number of blocks (sections, donors, ...) that a class must occur in.

    Returns
    -------
    Labels without the rare classes, with one sentence more in `dropped` when there were any.

    Raises
    ------
    DataError
        Fewer than two classes remain.
    """
    used = (labels.codes >= 0) & (split.folds >= 0)
    counts = np.bincount(labels.codes[used], minlength=len(labels.classes))
    pairs = np.unique(np.stack([labels.codes[used], split.blocks[used]]), axis=1)
    blocks = np.bincount(pairs[0], minlength=len(labels.classes))
    keep = (counts >= min_cells) & (blocks >= min_blocks)
    if keep.all():
        return labels
    reasons = [
        f"{name} ({_amount(counts[code], 'cell')} in {_amount(blocks[code], 'block')})"
        for code, name in enumerate(labels.classes)
        if not keep[code]
    ]
    sentence = (
        f"Left out of training, having fewer than {min_cells} cells or being in fewer than {min_blocks} "
        f"blocks: "
        f"{', '.join(reasons)}."
    )
    if keep.sum() < 2:
        raise DataError(
            f'Fewer than two classes of "{labels.name}" can be learnt under the split "{split.scheme}". '
            f"{sentence} "
            "Label more cells or choose another split."
        )
    return _keep(replace(labels, dropped=(*labels.dropped, sentence)), keep)


def _keep(labels: Labels, keep: BoolArray) -> Labels:
    new_code = np.where(keep, np.cumsum(keep) - 1, -1).astype(np.int32)
    codes = np.append(new_code, np.int32(-1))[labels.codes]
    classes = tuple(name for name, kept in zip(labels.classes, keep, strict=True) if kept)
    _need_two(labels.name, classes)
    return replace(labels, codes=codes, classes=classes)


def _need_two(name: str, classes: tuple[str, ...]) -> None:
    if len(classes) < 2:
        found = f'only "{classes[0]}"' if classes else "none"
        raise DataError(
            f'A classifier needs at least two classes, and "{name}" has {found}; choose another column or '
            f"add a group."
        )


def _amount(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
