"""Which of a model's genes a file has, and under which name; nothing is guessed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from glasscell.errors import NotCompatible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from glasscell.data.genes import GeneTable

#: As ``rename``: letter case is ignored, as between mouse (Pcp4) and human (PCP4) symbols.
IGNORE_CASE = "ignore-case"
_SHOWN = 6


@dataclass(frozen=True, eq=False)
class GeneMatch:
    """Where a model's genes are in a file.

    Parameters
    ----------
    wanted
        The model's genes, in its order.
    columns
        Column of each in the file, ``(n_wanted,)`` int64, -1 where the file lacks it.
    renamed
        How many were found under another name only because ``rename`` said so.
    by_case
        How many more would be found if letter case were ignored.
    """

    wanted: tuple[str, ...]
    columns: NDArray[np.int64]
    renamed: int = 0
    by_case: int = 0

    @property
    def present(self) -> NDArray[np.bool_]:
        """Genes the file has, ``(n_wanted,)``."""
        return np.asarray(self.columns >= 0)

    @property
    def n_present(self) -> int:
        """Count the genes the file has."""
        return int(self.present.sum())

    @property
    def share(self) -> float:
        """Share of the model's genes the file has."""
        return self.n_present / max(1, len(self.wanted))

    @property
    def missing(self) -> tuple[str, ...]:
        """Genes the file lacks, in the model's order."""
        return tuple(gene for gene, there in zip(self.wanted, self.present, strict=True) if not there)

    def sentence(self) -> str:
        """Say the overlap in words, with examples of what is missing."""
        if not self.missing:
            renamed = f" ({self.renamed:,} under another name)" if self.renamed else ""
            return f"All {len(self.wanted):,} genes of the model are in the file{renamed}."
        examples = ("for example " if len(self.missing) > _SHOWN else "") + ", ".join(self.missing[:_SHOWN])
        said = (
            f"{self.n_present:,} of the model's {len(self.wanted):,} genes ({self.share:.0%}) are in the "
            f"file; {len(self.missing):,} are missing, {examples}."
        )
        if self.by_case:
            said += f" {self.by_case:,} more match if letter case is ignored ({IGNORE_CASE})."
        return said


def match_genes(genes: GeneTable, wanted: Sequence[str], rename: Mapping[str, str] | str = "") -> GeneMatch:
    """Find a model's genes in a file by name, symbol or identifier.

    Parameters
    ----------
    genes
        Of the file.
    wanted
        Of the model.
    rename
        The model's name for names of the file, or ``ignore-case``; empty takes names as they are.

    Raises
    ------
    NotCompatible
        Two genes of the file were given the same name, or ``rename`` is another word.
    """
    if isinstance(rename, str) and rename not in ("", IGNORE_CASE):
        raise NotCompatible(f"Genes are renamed by a table or by {IGNORE_CASE!r}, not by {rename!r}.")
    exact: dict[str, int] = {}
    for names in (genes.names, genes.symbols, genes.ids):
        for column, name in enumerate(names.tolist()):
            if name:
                exact.setdefault(name, column)
    given = _given(exact, rename)
    folded = _unique_by_case(genes)
    columns = np.full(len(wanted), -1, np.int64)
    renamed = by_case = 0
    for place, gene in enumerate(wanted):
        column = given.get(gene, exact.get(gene, -1))
        if gene in given:
            renamed += 1
        if column < 0:
            other = folded.get(gene.casefold(), -1)
            if other >= 0 and rename == IGNORE_CASE:
                column, renamed = other, renamed + 1
            by_case += other >= 0 and rename != IGNORE_CASE
        columns[place] = column
    _refuse_shared(columns, wanted)
    return GeneMatch(tuple(wanted), columns, renamed, by_case)


def _given(exact: Mapping[str, int], rename: Mapping[str, str] | str) -> dict[str, int]:
    """Return the column of each name that the user's table gives."""
    if isinstance(rename, str):
        return {}
    given: dict[str, int] = {}
    for theirs, ours in rename.items():
        if theirs not in exact:
            continue
        if ours in given and given[ours] != exact[theirs]:
            raise NotCompatible(f"The table of names calls two genes {ours}: keep one of them.")
        given[ours] = exact[theirs]
    return given


def _unique_by_case(genes: GeneTable) -> dict[str, int]:
    """Return columns by name in lower case; names that differ by case only are left out."""
    found: dict[str, int] = {}
    for column, name in enumerate(genes.names.tolist()):
        folded = name.casefold()
        found[folded] = -1 if folded in found else column
    return {name: column for name, column in found.items() if column >= 0}


def _refuse_shared(columns: NDArray[np.int64], wanted: Sequence[str]) -> None:
    used = columns[columns >= 0]
    names, times = np.unique(used, return_counts=True)
    if (times > 1).any():
        twice = [wanted[int(place)] for place in np.flatnonzero(columns == names[times > 1][0])]
        raise NotCompatible(
            f"One gene of the file stands for both {twice[0]} and {twice[1]} of the model: rename it."
        )
