"""Sections placed in one world: coordinates, pictures, masks and radii moved together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from glasscell.data.height import choose_heights, stored_heights
from glasscell.data.observation import hints, visium_libraries
from glasscell.data.section import Sections, find_sections, group_by, group_extents, lay_out
from glasscell.data.tissue import Extent, Pair, Tissue, TissueSection
from glasscell.data.visium import visium_tissue

if TYPE_CHECKING:
    from anndata import AnnData

_NEIGHBOURS_SAMPLED = 20_000


@dataclass(frozen=True, eq=False)
class Layout:
    """Where everything lies.

    Parameters
    ----------
    positions_cd
        Coordinates (x, y) as drawn, shape ``(n_cells, 2)``; None without coordinates.
    source
        Where the coordinates were found, in words.
    sections
        Sections of the cells.
    offsets
        (dx, dy) added to each section; all zero when they do not overlap as stored.
    tissue
        Moved like the coordinates.
    problems
        What could not be shown, one sentence each.
    """

    positions_cd: npt.NDArray[np.float64] | None
    source: str
    sections: Sections
    offsets: dict[str, Pair]
    tissue: Tissue
    problems: tuple[str, ...] = ()


def resolve_sections(
    adata: AnnData, raw_cd: npt.NDArray[np.float64] | None, override: str | None = None
) -> Sections:
    """Say which section each cell lies in: the override, what the file says, what is found, or a single one.

    Cells without a value in the column form a section of their own, ``no <column>``.
    """
    column = override if override is not None else hints(adata).get("section")
    found = None
    if isinstance(column, str) and column:
        found = group_by(adata.obs, column) if column in adata.obs.columns or override else None
    if found is None and column != "":
        found = find_sections(adata.obs, raw_cd, visium_libraries(adata))
    if found is None:
        libraries = list(visium_libraries(adata))
        name = libraries[0] if len(libraries) == 1 else "section 1"
        return Sections((name,), np.zeros(adata.n_obs, dtype=np.int32))
    if (found.codes < 0).any():
        codes = np.where(found.codes < 0, len(found.names), found.codes).astype(np.int32)
        found = Sections((*found.names, f"no {found.source}"), codes, found.source)
    return found


def _typical_radius(positions_cd: npt.NDArray[np.float64]) -> float:
    """Half the median distance to the nearest neighbour: discs that just touch."""
    from scipy.spatial import cKDTree

    known = positions_cd[np.isfinite(positions_cd).all(axis=1)]
    if len(known) < 2:
        return 0.0
    step = max(1, len(known) // _NEIGHBOURS_SAMPLED)
    distances, _ = cKDTree(known, balanced_tree=False, compact_nodes=False).query(known[::step], k=2)
    positive = distances[:, 1][distances[:, 1] > 0]
    return float(np.median(positive)) / 2 if len(positive) else 0.0


def _with_radius(
    section: TissueSection, own_cd: npt.NDArray[np.float64], radii: npt.NDArray[np.float32]
) -> TissueSection:
    if section.radius > 0:
        return section
    known = radii[np.isfinite(radii)]
    return replace(section, radius=float(np.median(known)) if len(known) else _typical_radius(own_cd))


def _with_heights(tissue: Tissue, adata: AnnData) -> Tissue:
    """Take the heights of the cells from the table where the reader found none."""
    z_c = stored_heights(adata.obsm) if tissue.z_c is None else tissue.z_c
    return replace(tissue, z_c=z_c, heights=tissue.heights or choose_heights(z_c))


def _matched(given: Tissue, sections: Sections) -> tuple[Tissue, tuple[str, ...]]:
    """Pair the tissue of a reader with sections that may have been chosen otherwise since."""
    if len(given.sections) == len(sections) == 1:
        return replace(given, sections=(replace(given.sections[0], name=sections.names[0]),)), ()
    drawn = [each.name for each in given.sections if each.extent is not None]
    lost = [name for name in drawn if name not in sections.names]
    told = f"Pictures of {', '.join(lost)} are not shown: no section has this name."
    return given, (told,) if lost else ()


def lay_tissue(
    adata: AnnData,
    raw_cd: npt.NDArray[np.float64] | None,
    source: str,
    sections: Sections,
    given: Tissue | None,
    unit: str | None,
) -> Layout:
    """Build the tissue, give every section a radius and lay overlapping sections side by side.

    Parameters
    ----------
    adata
        Not changed.
    raw_cd, source
        Coordinates as stored and where they were found.
    sections
        Sections of the cells.
    given
        Tissue from the reader, in stored coordinates; None to build it from ``uns["spatial"]``.
    unit
        ``"um"`` or ``"px"`` to override what was found.
    """
    tissue, problems = _matched(given, sections) if given is not None else visium_tissue(adata, sections)
    if unit is not None and unit != tissue.unit:
        tissue = replace(tissue, unit=unit, microns_per_unit=1.0 if unit == "um" else None)
    if raw_cd is None and adata.n_obs == 0:
        raw_cd = np.empty((0, 2))  # points can be looked at without cells
    if raw_cd is None:
        return Layout(None, "", sections, {}, replace(tissue, sections=()), problems)
    boxes = group_extents(sections, raw_cd)
    radii = tissue.radii_c if tissue.radii_c is not None else np.full(len(raw_cd), np.nan, dtype=np.float32)
    drawn, extents = [], {}
    for name in sections.names:
        own = sections.mask(name)
        section = tissue.section(name) or TissueSection(name)
        drawn.append(_with_radius(section, raw_cd[own], radii[own]))
        whole = Extent.union([box for box in (boxes.get(name), section.extent) if box is not None])
        if whole is not None:
            extents[name] = whole
    offsets = lay_out(extents)
    shifts_sd = np.array([offsets.get(name, (0.0, 0.0)) for name in sections.names])
    positions_cd = raw_cd + shifts_sd[sections.codes]
    positions_cd.setflags(write=False)
    placed = _with_heights(replace(tissue, sections=tuple(drawn)), adata).shifted(offsets)
    return Layout(positions_cd, source, sections, offsets, placed, problems)
