"""Several files as one table: the genes they share, every file its own section, drawn side by side."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.report import count
from glasscell.data.tissue import Tissue, TissueSection
from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import pandas as pd

    from glasscell.data.dataset import Dataset

SECTION, DONOR, FILE = "section", "donor", "file"


def join(datasets: Sequence[Dataset], *, donor: str | None = None) -> Dataset:
    """Put several datasets into one table.

    Parameters
    ----------
    datasets
        At least two; they may have different genes, and those that all have are kept.
    donor
        Obs column that names the donor, or ``"file"`` where every file is of another donor.

    Returns
    -------
    A dataset whose columns ``file`` and ``section`` say where each cell comes from, ``donor`` of whom where
    the files tell.

    Raises
    ------
    DataError
        They share no gene, or some hold counts and others do not.
    """
    from anndata import AnnData

    from glasscell.data.dataset import Dataset

    titles = _titles(datasets)
    names = _shared_genes(datasets, titles)
    counted = [dataset.is_counts for dataset in datasets]
    if any(counted) and not all(counted):
        lacking = ", ".join(title for title, has in zip(titles, counted, strict=True) if not has)
        raise DataError(
            f"{lacking} holds no counts and the other files do: choose its counts, or open it by itself."
        )
    sections = [_section_names(dataset, title) for dataset, title in zip(datasets, titles, strict=True)]
    obs = _obs(datasets, titles, sections)
    first = datasets[0]
    adata = AnnData(X=_stack(datasets, names), obs=obs, var=_var(first, names))
    microns, unit, told = _unit(datasets, titles)
    places = [dataset.positions_cd for dataset in datasets]
    if any(place is not None for place in places):
        adata.obsm["spatial"] = np.vstack(
            [
                np.full((each.n_cells, 2), np.nan) if place is None else place
                for each, place in zip(datasets, places, strict=True)
            ]
        )
    tissue = replace(_tissue(datasets, sections), unit=unit, microns_per_unit=microns)
    kinds = {dataset.observation for dataset in datasets}
    told += _told(datasets, titles, names)
    platforms = {dataset.platform for dataset in datasets}
    hint: dict[str, Any] = {"section": SECTION, "platform": platforms.pop() if len(platforms) == 1 else ""}
    if microns:
        hint |= {"unit": unit, "microns_per_unit": microns}
    adata.uns["glasscell"] = hint  # so that a saved copy knows it too
    return Dataset(
        adata,
        path=None,
        paths=tuple(path for dataset in datasets for path in dataset.paths),
        tissue=tissue,
        section=SECTION,
        donor=donor,
        observation=kinds.pop() if len(kinds) == 1 else None,
        problems=told,
    )


def _titles(datasets: Sequence[Dataset]) -> list[str]:
    """Name each file so that no two are called the same."""
    stems = [
        f"file {number + 1}" if dataset.path is None else dataset.path.name.partition(".")[0]
        for number, dataset in enumerate(datasets)
    ]
    for number, dataset in enumerate(datasets):
        if stems[number] == "outs" and dataset.path is not None:
            stems[number] = dataset.path.absolute().parent.name
    return [
        stem if stems.count(stem) == 1 else f"{stem} ({stems[: number + 1].count(stem)})"
        for number, stem in enumerate(stems)
    ]


def _shared_genes(datasets: Sequence[Dataset], titles: Sequence[str]) -> list[str]:
    shared = set(datasets[0].genes.names.tolist())
    for title, dataset in zip(titles[1:], datasets[1:], strict=True):
        shared &= set(dataset.genes.names.tolist())
        if not shared:
            own, other = datasets[0].genes.names[0], dataset.genes.names[0]
            raise DataError(
                f"{titles[0]} and {title} share no gene ({own} ..., {other} ...): check that both name genes "
                'alike, or say genes="symbols" or genes="ids".'
            )
    return [name for name in datasets[0].genes.names.tolist() if name in shared]


def _section_names(dataset: Dataset, title: str) -> dict[str, str]:
    own = dataset.sections.names
    return {name: title if len(own) == 1 else f"{title}: {name}" for name in own}


def _obs(
    datasets: Sequence[Dataset], titles: Sequence[str], sections: Sequence[dict[str, str]]
) -> pd.DataFrame:
    import pandas as pd

    parts = []
    for dataset, title, names in zip(datasets, titles, sections, strict=True):
        part = dataset.obs.copy()
        part.index = pd.Index(dataset.cell_names.astype(object))
        for column in part.columns:
            if isinstance(part[column].dtype, pd.CategoricalDtype):
                part[column] = part[column].astype(object)
        part[FILE] = title
        part[SECTION] = np.array([names[name] for name in dataset.sections.names], dtype=object)[
            dataset.sections.codes
        ]
        donors = dataset.donors
        if donors is not None:
            known = np.array([*donors.names, None], dtype=object)
            part[DONOR] = known[donors.codes]
        parts.append(part)
    together = pd.concat(parts, axis=0)
    if not together.index.is_unique:
        together.index = pd.Index(
            [f"{title}:{name}" for title, part in zip(titles, parts, strict=True) for name in part.index],
            dtype=object,
        )
    for column in together.columns:
        if together[column].dtype == object:
            texts = together[column]
            together[column] = pd.Categorical(texts.where(texts.isna(), texts.astype(str)))
    return together


def _var(first: Dataset, names: list[str]) -> pd.DataFrame:
    import pandas as pd

    var = pd.DataFrame(index=pd.Index(names, dtype=object))
    ids = first.genes.ids[first.genes.indices(names)]
    if (ids != "").any():
        var["gene_ids"] = ids.astype(object)
    return var


def _stack(datasets: Sequence[Dataset], names: list[str]) -> Any:
    import scipy.sparse as sp

    kind = "counts" if datasets[0].is_counts else "stored"
    parts = []
    for dataset in datasets:
        columns = [dataset.genes.index(name) for name in names]
        parts.append(sp.csr_matrix(dataset.expression_cg(kind))[:, columns])
    return sp.vstack(parts, format="csr")


def _unit(datasets: Sequence[Dataset], titles: Sequence[str]) -> tuple[float | None, str, list[str]]:
    placed = [dataset for dataset in datasets if dataset.positions_cd is not None]
    if not placed:
        return None, "px", []
    first = placed[0].tissue
    scales = [(each.tissue.unit, each.tissue.microns_per_unit) for each in placed]
    alike = all(
        unit == first.unit
        and (microns is None) == (first.microns_per_unit is None)
        and (microns is None or abs(microns / (first.microns_per_unit or 1.0) - 1) < 0.02)
        for unit, microns in scales
    )
    if alike:
        return first.microns_per_unit, first.unit, []
    told = f"{', '.join(titles)} are measured in different units, so their sizes cannot be compared by eye."
    return None, "px", [told]


def _tissue(datasets: Sequence[Dataset], names: Sequence[dict[str, str]]) -> Tissue:
    """Take every tissue with its cells numbered on and its sections under their new names."""
    total = sum(dataset.n_cells for dataset in datasets)
    radii_c = np.full(total, np.nan, dtype=np.float32)
    z_c = np.full(total, np.nan)
    sections: list[TissueSection] = []
    heights: tuple[float, ...] = ()
    start = 0
    for dataset, renamed in zip(datasets, names, strict=True):
        numbers = np.arange(start, start + dataset.n_cells, dtype=np.int32)
        tissue = dataset.tissue.renumbered(numbers, total)
        for values, own in ((radii_c, tissue.radii_c), (z_c, tissue.z_c)):
            _fill(values, own)
        heights = heights or tissue.heights
        sections += [
            replace(section, name=renamed[section.name])
            for section in tissue.sections
            if section.name in renamed
        ]
        start += dataset.n_cells
    return Tissue(
        tuple(sections), radii_c=radii_c, z_c=z_c if np.isfinite(z_c).any() else None, heights=heights
    )


def _fill(values: npt.NDArray[Any], own: npt.NDArray[Any] | None) -> None:
    if own is not None:
        known = np.isfinite(own)
        values[known] = own[known]


def _told(datasets: Sequence[Dataset], titles: Sequence[str], names: list[str]) -> list[str]:
    told = []
    for dataset, title in zip(datasets, titles, strict=True):
        told += [f"{title}: {problem}" for problem in dataset.problems]
        if dataset.n_genes > len(names):
            left = count(dataset.n_genes - len(names), "gene")
            told.append(f"{left} of {title} left out: not in every file.")
    if any(dataset.embeddings for dataset in datasets):
        told.append("Embeddings of the single files are left out, for they cannot be compared: prepare.")
    return told
