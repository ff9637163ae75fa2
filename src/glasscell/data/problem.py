"""What is wrong with a dataset without keeping it from being used: one sentence each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glasscell.data.genes import make_unique

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glasscell.data.dataset import Dataset


def _some(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def find_problems(dataset: Dataset) -> Iterator[str]:
    """Name everything about a dataset that its user should know.

    Parameters
    ----------
    dataset
        Looked at, not changed.

    Yields
    ------
    One sentence per problem; none for a file in order.
    """
    repeated = dataset.genes.duplicates
    if repeated:
        yield (
            f"{len(repeated):,} gene name{'s occur' if len(repeated) > 1 else ' occurs'} more than once "
            f"({_some(repeated)}); repeats are shown as {repeated[0]}-1 and so on, nothing is left out."
        )
    cells = make_unique([str(name) for name in dataset.adata.obs_names.tolist()])[1]
    if cells:
        yield (
            f"{len(cells):,} cell name{'s occur' if len(cells) > 1 else ' occurs'} more than once "
            f"({_some(cells)}); repeats are numbered, nothing is left out."
        )
    bad = dataset.expression.bad_value()
    if bad is not None:
        yield bad
    sizes_c = dataset.sizes_c
    if sizes_c is not None and (sizes_c <= 0).any():
        empty = np.flatnonzero(sizes_c <= 0)
        first = [str(dataset.cell_names[cell]) for cell in empty[:4]]
        whole = f"{dataset.n_cells:,} {dataset.observations}"
        yield f"{len(empty):,} of {whole} hold no counts ({_some(first)}): no gene can be judged there."
    positions_cd = dataset.positions_cd
    if positions_cd is not None:
        lost = int((~np.isfinite(positions_cd).all(axis=1)).sum())
        if lost:
            whole = f"{dataset.n_cells:,} {dataset.observations}"
            yield f"{lost:,} of {whole} have no coordinates and are not drawn on the tissue."
    yield from dataset.layout.problems
