"""Open files of cells, whatever their names say: the content decides."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from glasscell.data.sniff import PARQUET, SPATIALDATA, TENX, TEXT, VENDOR, sniff
from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.data.dataset import Dataset


def read(
    path: str | Path | Sequence[str | Path],
    *,
    section: str | None = None,
    donor: str | None = None,
    counts: str | None = None,
    genes: str | None = None,
    table: str | None = None,
) -> Dataset:
    """Open a file of cells, or several as one table.

    The content decides how it is read, not the file's name. Nothing is written, and nothing in it is run.

    Parameters
    ----------
    path
        An ``.h5ad`` file, a ``.zarr`` folder holding an AnnData or a SpatialData (format 2 or 3), a 10x
        ``.h5`` matrix, a table of cells (``.csv``, ``.tsv``, ``.parquet``), or a folder as Visium, Visium HD,
        Xenium, CosMx or MERSCOPE write it. Several: the genes they share, each file a section of its own.
    section, donor
        Obs column with the section or the donor of each cell, when detection picks the wrong one; of several
        files ``donor="file"`` says that each is of another donor.
    counts
        ``"X"``, ``"raw"`` or ``"layers/<key>"``: which matrix holds counts.
    genes
        ``"symbols"`` or ``"ids"``: what genes are called by.
    table
        Which table of a SpatialData to show; by default the one with the most cells. Of Visium HD which
        bins, such as ``"square_016um"``.

    Returns
    -------
    The dataset; its ``report()`` says in one sentence what was found, its ``problems`` what was odd.

    Raises
    ------
    DataError
        The file is absent, empty, damaged, unsafe or of another kind; the sentence says which.
    """
    if not isinstance(path, str | Path):
        places = [Path(each).expanduser() for each in path]
        if not places:
            raise DataError("No file is named; give at least one.")
        if len(places) > 1:
            return _read_several(places, section, donor, counts, genes, table)
        path = places[0]
    return _read_one(Path(path).expanduser(), section, donor, counts, genes, table)


def _read_one(
    place: Path,
    section: str | None,
    donor: str | None,
    counts: str | None,
    genes: str | None,
    table: str | None,
) -> Dataset:
    from glasscell.data.dataset import Dataset

    kind = sniff(place)
    told: list[str] = []
    if kind in (SPATIALDATA, VENDOR):
        from glasscell.data.read_spatialdata import read_spatialdata

        if kind == VENDOR:
            from glasscell.data.read_vendor import read_vendor_folder

            loaded = read_vendor_folder(place, table)
        else:
            loaded = read_spatialdata(place, table)
        return Dataset(
            loaded.adata,
            path=place,
            tissue=loaded.tissue,
            section=section if section is not None else loaded.region_key,
            donor=donor,
            counts=counts,
            genes=genes,
            problems=loaded.problems,
        )
    if table is not None:
        raise DataError(f"{place.name} holds one table only; leave table= out.")
    if kind == TENX:
        from glasscell.data.tenx import read_tenx

        adata, told = read_tenx(place)
    elif kind in (TEXT, PARQUET):
        from glasscell.data.cell_table import read_cell_table

        adata, told = read_cell_table(place, parquet=kind == PARQUET)
    else:
        from glasscell.data.read_anndata import read_anndata

        adata = read_anndata(place, kind)
    return Dataset(adata, path=place, section=section, donor=donor, counts=counts, genes=genes, problems=told)


def _read_several(
    places: list[Path],
    section: str | None,
    donor: str | None,
    counts: str | None,
    genes: str | None,
    table: str | None,
) -> Dataset:
    """Read each file with what is said of it, and put them into one table.

    ``section`` may be the joined table's own column: a saved session names that.
    """
    from glasscell.data.join import FILE, SECTION, join

    own_section = None if section in (SECTION, FILE) else section
    own_donor = None if donor in ("donor", FILE) else donor
    parts = [_read_one(place, own_section, own_donor, counts, genes, table) for place in places]
    return join(parts, donor=donor)
