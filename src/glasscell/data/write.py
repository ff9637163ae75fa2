"""Save a dataset, with what was found out about it, without ever risking the file that was there."""

from __future__ import annotations

import importlib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glasscell.data.atomic import previous_name, write_atomically
from glasscell.data.embed import embed_tissue
from glasscell.data.guard_zarr import is_zarr, root_attributes
from glasscell.errors import DataError
from glasscell.jobs import QUIET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from anndata import AnnData

    from glasscell.data.dataset import Dataset
    from glasscell.jobs import JobHandle

# Results know how to write themselves; by name, for explanations stand above data.
_WRITE_BACK = "glasscell.explain.store:write_back"


@dataclass(frozen=True)
class _Writer:
    """How a table is written, and where the file it replaces is kept."""

    write: Callable[[AnnData, Path], None]
    previous: Path | None


def write(
    dataset: Dataset,
    path: str | Path,
    *,
    explanations: Iterable[Any] = (),
    keep_previous: bool = False,
    job: JobHandle = QUIET,
) -> Path:
    """Save as AnnData: a ``.zarr`` folder or one ``.h5ad`` file, by how the name ends; see `write_h5ad`."""
    target = Path(path)
    check_name(target)
    chosen = write_zarr if target.suffix == ".zarr" else write_h5ad
    return chosen(dataset, target, explanations=explanations, keep_previous=keep_previous, job=job)


def check_name(path: str | Path) -> None:
    """Refuse a name that does not say how data are saved.

    Raises
    ------
    DataError
        The name ends neither in ``.h5ad`` nor in ``.zarr``.
    """
    if Path(path).suffix not in (".h5ad", ".zarr"):
        raise DataError(f"{Path(path).name} was not saved: data are written as .h5ad or .zarr; name it so.")


def write_h5ad(
    dataset: Dataset,
    path: str | Path,
    *,
    explanations: Iterable[Any] = (),
    keep_previous: bool = False,
    job: JobHandle = QUIET,
) -> Path:
    """Save a dataset as one HDF5 file.

    The file is written under another name in the same folder, flushed to the disk and then put in place, so a
    crash or a full disk leaves the old file as it was. The dataset is not changed.

    Parameters
    ----------
    dataset
        What to save. Its pictures are kept in ``uns["spatial"]``, reduced to 2048 pixels a side.
    path
        Where; may be the file the dataset came from.
    explanations
        Results to write back into the table, under their documented keys.
    keep_previous
        Keep a file that is replaced beside the new one, as ``NAME.previous.h5ad``.
    job
        Progress and cancellation.

    Returns
    -------
    The path.

    Raises
    ------
    DataError
        The disk is full, the folder cannot be written, or something in the table cannot be saved.
    """
    target = Path(path)
    if target.is_dir():
        raise DataError(f"{target.name} is a folder; choose another name, or one that ends in .zarr.")
    previous = previous_name(target) if keep_previous else None
    writer = _Writer(lambda adata, to: adata.write_h5ad(to, compression="lzf"), previous)
    _save(dataset, target, explanations, job, writer)
    return target


def write_zarr(
    dataset: Dataset,
    path: str | Path,
    *,
    explanations: Iterable[Any] = (),
    keep_previous: bool = False,
    job: JobHandle = QUIET,
) -> Path:
    """Save a dataset as an AnnData zarr folder; see `write_h5ad`.

    Raises
    ------
    DataError
        As `write_h5ad`; also when the target is a SpatialData or some other folder, which would be lost.
    """
    target = Path(path)
    if target.is_file():
        raise DataError(f"{target.name} is a file; choose another name for the zarr folder.")
    if target.is_dir() and any(target.iterdir()):
        if not is_zarr(target):
            raise DataError(f"The folder {target.name!r} holds other things; choose another name.")
        if root_attributes(target).get("encoding-type") != "anndata":
            raise DataError(
                f"{target.name!r} holds more than a table (images, shapes), which would be lost; "
                "choose another name."
            )
    previous = previous_name(target) if keep_previous else None
    _save(dataset, target, explanations, job, _Writer(lambda adata, to: adata.write_zarr(to), previous))
    return target


def _save(
    dataset: Dataset,
    path: Path,
    explanations: Iterable[Any],
    job: JobHandle,
    writer: _Writer,
) -> None:
    job.report(0.0, f"Collecting what goes into {path.name}")
    adata = dataset.editable()
    embed_tissue(adata, dataset)
    results = tuple(explanations)
    if results:
        module, name = _WRITE_BACK.split(":")
        write_back = getattr(importlib.import_module(module), name)
        for result in results:
            own = getattr(result, "write_into", None)  # a kind of result with keys of its own
            write_back(adata, result) if own is None else own(adata)

    def write_to(fresh: Path) -> None:
        job.report(0.2, f"Writing {path.name}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            writer.write(adata, fresh)
        job.report(0.9, f"Flushing {path.name} to the disk")

    write_atomically(path, write_to, previous=writer.previous)
    job.report(1.0, f"Saved {path.name}")
