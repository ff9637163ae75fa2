"""Opening files that napari hands us: dropped on the canvas, from its File menu, or the sample tissue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from glasscell.data.vendor import find_vendor
from glasscell.errors import GlasscellError

SAMPLE_URI = "glasscell://sample/tissue"

Reader = Callable[[Any], list[tuple[None]]]


def get_reader(path: str | Sequence[str]) -> Reader | None:
    """Offer to read files of cells or the sample; None for anything else.

    These are ``.h5ad``, AnnData or SpatialData ``.zarr``, 10x ``.h5`` and the folders of vendors; several
    open as one table. An image ``.zarr`` (OME-NGFF and its like) is left to the readers that know it.
    """
    paths = [path] if isinstance(path, str) else list(path)
    if paths == [SAMPLE_URI] or (paths and all(_is_cells(name) for name in paths)):
        return read_into_viewer
    return None


def read_into_viewer(path: Any) -> list[tuple[None]]:
    """Open a file in the session of the current viewer; the layers follow when it has been read."""
    from napari import current_viewer

    from glasscell.plugin.desk import desk_for

    viewer = current_viewer()
    if viewer is not None:
        names = [path] if isinstance(path, str) else [str(name) for name in path]
        desk_for(viewer).open(None if names == [SAMPLE_URI] else [Path(name) for name in names])
    return [(None,)]


def _is_cells(name: str) -> bool:
    path = Path(name)
    if name.lower().endswith(".h5ad") or _holds_cells(path):
        return True
    if path.is_dir():
        return find_vendor(path) is not None
    return name.lower().endswith(".h5") and path.is_file() and _is_tenx(path)


def _is_tenx(path: Path) -> bool:
    from glasscell.data.sniff import TENX, sniff

    try:
        return sniff(path) == TENX
    except GlasscellError:
        return False


def _holds_cells(path: Path) -> bool:
    """Whether a folder is a zarr store of AnnData or SpatialData, judged by its metadata files alone."""
    if not path.is_dir():
        return False
    for name in ("zarr.json", ".zattrs", ".zmetadata"):
        file = path / name
        if file.is_file():
            text = file.read_text(encoding="utf-8", errors="replace")
            if '"anndata"' in text or "spatialdata" in text or '"encoding-type": "anndata"' in text:
                return True
    return (path / "tables").is_dir() or ((path / "obs").is_dir() and (path / "var").is_dir())
