"""The gene axis: names people use, identifiers machines use, and how one finds the other."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

SYMBOL_COLUMNS = (
    "feature_name", "gene_symbols", "gene_symbol", "symbol", "symbols", "gene_name", "gene_names",
    "gene_short_name", "hgnc_symbol", "mgi_symbol", "features",
)  # fmt: skip
ID_COLUMNS = ("gene_ids", "gene_id", "ensembl_id", "ensembl_ids", "ensembl", "ensemblid", "feature_id")
_IDENTIFIER = re.compile(r"^(ENS[A-Z]*G\d{6,}(\.\d+)?|WBGene\d+|FBgn\d+|AT[1-5MC]G\d{5}|\d+)$", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class GeneTable:
    """Names of the genes of a dataset, in the order of its columns.

    Parameters
    ----------
    names
        One unique name per gene, as shown and as used in channel references, shape ``(n_genes,)``.
    symbols
        Gene symbols as the file has them, possibly repeated, shape ``(n_genes,)``.
    ids
        Database identifiers, empty text where the file has none, shape ``(n_genes,)``.
    symbol_source, id_source
        Where symbols and identifiers were found, in words.
    duplicates
        Names that occurred more than once and were numbered.
    """

    names: npt.NDArray[np.str_]
    symbols: npt.NDArray[np.str_]
    ids: npt.NDArray[np.str_]
    symbol_source: str = "var_names"
    id_source: str = ""
    duplicates: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def _exact(self) -> dict[str, int]:
        table: dict[str, int] = {}
        for column in (self.names, self.symbols, self.ids):
            for position, name in enumerate(column.tolist()):
                if name:
                    table.setdefault(name, position)
        return table

    @cached_property
    def _folded(self) -> dict[str, int]:
        table: dict[str, int] = {}
        for name, position in self._exact.items():
            folded = name.casefold()
            if folded in table and table[folded] != position:
                table[folded] = -1  # two genes differ only by case: no guess
            else:
                table[folded] = position
        return table

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._find(name) is not None

    def _find(self, name: str) -> int | None:
        position = self._exact.get(name)
        if position is None:
            position = self._folded.get(name.strip().casefold(), -1)
        return None if position < 0 else position

    def index(self, name: str) -> int:
        """Find a gene by name, symbol or identifier; letter case matters only where it must.

        Parameters
        ----------
        name
            What the user typed.

        Returns
        -------
        Column of the gene.

        Raises
        ------
        DataError
            No such gene; the message offers the nearest names.
        """
        position = self._find(name)
        if position is None:
            near = self.suggest(name)
            hint = f"; did you mean {', '.join(near)}?" if near else f" among the {len(self):,} of this file."
            raise DataError(f"There is no gene {name!r}{hint}")
        return position

    def indices(self, names: Iterable[str]) -> npt.NDArray[np.int64]:
        """Find several genes; see `index`."""
        return np.array([self.index(name) for name in names], dtype=np.int64)

    def suggest(self, name: str, count: int = 3) -> tuple[str, ...]:
        """Name the genes most like a mistyped one, best first."""
        wanted = name.strip().casefold()
        if not wanted:
            return ()
        starts = [known for known in self.names.tolist() if known.casefold().startswith(wanted)]
        folded = {known.casefold(): known for known in self.names.tolist()}
        close = [folded[known] for known in difflib.get_close_matches(wanted, folded, n=count, cutoff=0.6)]
        return tuple(dict.fromkeys([*close, *starts]))[:count]


def make_unique(names: Sequence[str]) -> tuple[npt.NDArray[np.str_], tuple[str, ...]]:
    """Give repeated names numbers (GAPDH, GAPDH-1, ...), never colliding with a name that exists.

    Returns
    -------
    The unique names and those that had been repeated, in order of appearance.
    """
    taken = set(names)
    if len(taken) == len(names):
        return np.asarray(names, dtype=np.str_), ()
    seen: dict[str, int] = {}
    unique: list[str] = []
    for name in names:
        if name not in seen:
            seen[name] = 0
            unique.append(name)
            continue
        while True:
            seen[name] += 1
            candidate = f"{name}-{seen[name]}"
            if candidate not in taken:
                break
        taken.add(candidate)
        unique.append(candidate)
    return np.asarray(unique, dtype=np.str_), tuple(name for name, count in seen.items() if count)


def _column(var: pd.DataFrame, wanted: Sequence[str]) -> str | None:
    by_name = {str(column).casefold(): column for column in var.columns}
    return next((by_name[name] for name in wanted if name in by_name), None)


def _texts(var: pd.DataFrame, column: str) -> list[str]:
    values = var[column]
    missing = values.isna().to_numpy()
    return ["" if gone else str(value) for value, gone in zip(values.tolist(), missing, strict=True)]


def mostly_identifiers(names: Sequence[str]) -> bool:
    """Whether names are those of a database (ENSG..., numbers) rather than symbols."""
    sample = names[:: max(1, len(names) // 500)]
    return bool(sample) and sum(bool(_IDENTIFIER.match(name)) for name in sample) > 0.8 * len(sample)


GENE_NAMES = ("symbols", "ids")


def _wanted(wanted: str, symbols: Sequence[str], ids: Sequence[str], kept: list[str]) -> list[str]:
    if wanted not in GENE_NAMES:
        raise DataError(f"Genes cannot be called by {wanted!r}; choose {', '.join(GENE_NAMES)}.")
    if wanted == "symbols":
        if not symbols:
            raise DataError("This file has no gene symbols: leave genes= out to use its identifiers.")
        return kept
    if not any(ids):
        raise DataError("This file has no gene identifiers: leave genes= out to use its symbols.")
    return [name or symbol for name, symbol in zip(ids, kept, strict=True)]


def gene_choices(var: pd.DataFrame) -> tuple[str, ...]:
    """Say what genes can be called by: ``"symbols"``, ``"ids"`` or both, the default one first."""
    found = []
    for wanted in GENE_NAMES:
        try:
            read_genes(var, wanted)
        except DataError:
            continue
        found.append(wanted)
    return tuple(found)


def read_genes(var: pd.DataFrame, wanted: str | None = None) -> GeneTable:
    """Find symbols and identifiers in a table of genes.

    Symbols come from a column such as ``feature_name`` or ``gene_symbols`` when the index holds identifiers
    (ENSG..., numbers), otherwise from the index itself.

    Parameters
    ----------
    var
        The ``var`` table of an AnnData; not changed.
    wanted
        ``"symbols"`` or ``"ids"`` to be called by; by default symbols where the file has them. The other
        one is found by search all the same.

    Raises
    ------
    DataError
        The file has no symbols, or no identifiers, to choose.
    """
    index = [str(name) for name in var.index.tolist()]
    symbols, symbol_source = index, "var_names"
    ids, id_source = [""] * len(index), ""
    id_column = _column(var, ID_COLUMNS)
    if id_column is not None:
        ids, id_source = _texts(var, id_column), f"var[{id_column!r}]"
    has_symbols = not mostly_identifiers(index)
    if not has_symbols or wanted == "symbols":
        if id_column is None:
            ids, id_source = index, "var_names"
        symbol_column = _column(var, SYMBOL_COLUMNS)
        if symbol_column is not None:
            texts = _texts(var, symbol_column)
            symbols = [text or name for text, name in zip(texts, index, strict=True)]
            symbol_source = f"var[{symbol_column!r}]"
            has_symbols = True
    shown = symbols
    if wanted is not None:
        shown = _wanted(wanted, symbols if has_symbols else [], ids, symbols)
    names, duplicates = make_unique(shown)
    as_array = np.asarray(symbols, dtype=np.str_)
    return GeneTable(names, as_array, np.asarray(ids, dtype=np.str_), symbol_source, id_source, duplicates)
