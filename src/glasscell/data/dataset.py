"""One table of cells with the tissue under it, seen through a read-only window."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from glasscell.data.expression import Expression
from glasscell.data.fingerprint import hash_data
from glasscell.data.layout import Layout, lay_tissue, resolve_sections
from glasscell.data.matrix import count_choices, get_matrix, holds_counts
from glasscell.data.observation import (
    UNITS,
    checked,
    find_positions,
)
from glasscell.data.problem import find_problems
from glasscell.data.report import describe
from glasscell.data.section import Sections, find_donors, group_by
from glasscell.data.table import Table
from glasscell.errors import DataError

if TYPE_CHECKING:
    import scipy.sparse as sp
    from anndata import AnnData

    from glasscell.data.tissue import Tissue


class Dataset(Table):
    """Cells, genes, tissue and sections of one AnnData, which is never changed.

    What a file leaves unsaid (which matrix holds counts, which column names the section or the donor, what
    one row is) is detected, shown in `report` and can be overridden here.

    Parameters
    ----------
    adata
        The table, in memory or backed.
    path
        File it came from.
    paths
        The files, when it came from several.
    tissue
        Images and masks in the coordinates of the table; by default those of ``uns["spatial"]``.
    section, donor
        Obs column with the section or donor of each cell; ``""`` for none.
    counts
        ``"X"``, ``"raw"`` or ``"layers/<key>"``.
    genes
        ``"symbols"`` or ``"ids"``: what genes are called by.
    observation
        ``"cell"``, ``"spot"`` or ``"bin"``.
    unit
        ``"um"`` or ``"px"``.
    problems
        Sentences the reader found worth telling.

    Raises
    ------
    DataError
        The table is empty, or something named above does not exist.
    """

    def __init__(
        self,
        adata: AnnData,
        *,
        path: Path | str | None = None,
        paths: Iterable[Path | str] = (),
        tissue: Tissue | None = None,
        section: str | None = None,
        donor: str | None = None,
        counts: str | None = None,
        genes: str | None = None,
        observation: str | None = None,
        unit: str | None = None,
        problems: Iterable[str] = (),
    ) -> None:
        points = tissue is not None and any(section.points for section in tissue.sections)
        super().__init__(adata, observation, genes=genes, may_be_empty=points)
        self.path = None if path is None else Path(path)
        own = () if path is None else (path,)
        self.paths = tuple(Path(each) for each in (tuple(paths) or own))
        self._given_tissue = tissue
        self._given: dict[str, str | None] = {
            "section": section,
            "donor": donor,
            "counts": counts,
            "genes": genes,
            "observation": observation,
            "unit": unit if unit is None else checked(unit, UNITS, "unit"),
        }
        self._given_problems = tuple(problems)
        self._expression = Expression(adata, counts)
        for column in (section, donor):
            if column:
                group_by(adata.obs, column)  # refuse a wrong name now, not when somebody first asks

    def __repr__(self) -> str:
        return f"Dataset({self.report()})"

    @property
    def counts(self) -> str | None:
        """Which matrix holds counts: ``"X"``, ``"raw"``, ``"layers/<key>"``, or None."""
        return self._expression.counts

    @cached_property
    def count_choices(self) -> tuple[str, ...]:
        """Every matrix that holds counts and could be picked."""
        return count_choices(self._adata)

    @property
    def is_counts(self) -> bool:
        """Whether the file holds counts at all."""
        return self._expression.counts is not None

    @property
    def expression_unit(self) -> str:
        """Unit of the default expression (``lognorm``)."""
        return self._expression.unit()

    @property
    def expression(self) -> Expression:
        """The expression in all its forms, with its facts."""
        return self._expression

    def expression_cg(self, kind: str = "lognorm") -> sp.csr_matrix:
        """Return the expression matrix, made once and kept; treat it as read-only.

        Parameters
        ----------
        kind
            ``"lognorm"``: log1p(counts / cell total x median total), or the values as stored when
            there are no counts; ``"counts"``; ``"stored"``: X as it is.

        Returns
        -------
        float32 CSR of shape ``(n_cells, n_genes)``.

        Raises
        ------
        DataError
            Counts are asked for and there are none, or a value is NaN (the sentence names the first).
        """
        return self._expression.all_cg(kind)

    def gene_column(self, gene: str | int, kind: str = "lognorm") -> npt.NDArray[np.float32]:
        """Return one gene's values, float32 of shape ``(n_cells,)``, NaN where the file has none.

        Parameters
        ----------
        gene
            Name, symbol or identifier, or the number of the column.
        kind
            See `expression_cg`.

        Raises
        ------
        DataError
            There is no such gene; the message offers the nearest names.
        """
        position = self.genes.index(gene) if isinstance(gene, str) else int(gene)
        if not 0 <= position < self.n_genes:
            raise DataError(f"There is no gene number {position}; they run from 0 to {self.n_genes - 1:,}.")
        return self._expression.gene_c(position, kind)

    @property
    def sizes_c(self) -> npt.NDArray[np.float64] | None:
        """Total counts of each cell, shape ``(n_cells,)``; None without counts."""
        return self._expression.sizes_c

    @cached_property
    def layout(self) -> Layout:
        """Sections, their tissue and the coordinates as drawn."""
        raw_cd, source = find_positions(self._adata)
        sections = resolve_sections(self._adata, raw_cd, self._given["section"])
        return lay_tissue(self._adata, raw_cd, source, sections, self._given_tissue, self._given["unit"])

    @property
    def positions_cd(self) -> npt.NDArray[np.float64] | None:
        """Coordinates (x, y) as drawn, NaN where unknown, shape ``(n_cells, 2)``; None without any."""
        return self.layout.positions_cd

    @property
    def position_unit(self) -> str:
        """``"um"`` or ``"px"``."""
        return self.layout.tissue.unit

    @property
    def sections(self) -> Sections:
        """Sections of tissue; a single one when nothing tells them apart."""
        return self.layout.sections

    @cached_property
    def donors(self) -> Sections | None:
        """Donors (patients, animals); None when the file names none."""
        column = self._given["donor"]
        if column is None:
            said = self._adata.uns.get("glasscell", {})
            column = said.get("donor") if isinstance(said, Mapping) else None
        if column is None:
            return find_donors(self.obs)
        return group_by(self.obs, column) if column else None

    @property
    def tissue(self) -> Tissue:
        """Images, masks and radii of each section, in the coordinates of `positions_cd`."""
        return self.layout.tissue

    @cached_property
    def fingerprint(self) -> str:
        """Text that changes when cells, genes or expression change; annotations do not matter."""
        matrix = get_matrix(self._adata, self.counts or self._expression.stored_name)
        return hash_data(matrix, self._adata.obs_names.astype(str), self._adata.var_names.astype(str))

    @cached_property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with the file but does not keep it from being used, one sentence each."""
        return tuple(dict.fromkeys((*self._given_problems, *find_problems(self))))

    def report(self) -> str:
        """Say in one sentence what this is: cells, sections, counts, embedding."""
        return describe(self)

    def with_adata(self, adata: AnnData) -> Dataset:
        """Look at another table of the same cells (or fewer, or reordered), keeping tissue and overrides.

        Parameters
        ----------
        adata
            The new table; its cells are matched by name.
        """
        tissue = self._given_tissue
        if tissue is not None and not self._adata.obs_names.equals(adata.obs_names):
            new_index = adata.obs_names.get_indexer(self._adata.obs_names).astype(np.int32)
            tissue = tissue.renumbered(new_index, int(adata.n_obs))
        given = {**self._given, "counts": None}  # a new table may keep its counts elsewhere: look again
        chosen = self._given["counts"]
        if chosen is not None and holds_counts(adata, chosen):
            given["counts"] = chosen
        return self._again(adata, tissue, given)

    def choosing(self, *, counts: str | None = None, genes: str | None = None) -> Dataset:
        """Look at the same table with another matrix as counts or other names of genes.

        Parameters
        ----------
        counts
            ``"X"``, ``"raw"`` or ``"layers/<key>"``; None to leave it.
        genes
            ``"symbols"`` or ``"ids"``; None to leave it.

        Raises
        ------
        DataError
            The matrix is absent or does not hold counts, or the file has no such names.
        """
        wished = {"counts": counts, "genes": genes}
        given = {**self._given, **{name: value for name, value in wished.items() if value is not None}}
        return self._again(self._adata, self._given_tissue, given)

    def _again(self, adata: AnnData, tissue: Tissue | None, given: dict[str, str | None]) -> Dataset:
        told = self._given_problems
        return Dataset(adata, path=self.path, paths=self.paths, tissue=tissue, problems=told, **given)
