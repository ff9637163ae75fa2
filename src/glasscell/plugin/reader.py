"""Opening files that napari hands us: dropped on the canvas, from its File menu, or the sample tissue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

SAMPLE_URI = "glasscell://sample/tissue"

Reader = Callable[[Any], list[tuple[None]]]


def get_reader(path: str | Sequence[str]) -> Reader | None:
    """Offer to read an ``.h5ad``, an AnnData or SpatialData ``.zarr``, or the sample; None for anything else.

    An image ``.zarr`` (OME-NGFF and its like) is left to the readers that know it.
    """
    paths = [path] if isinstance(path, str) else list(path)
    if len(paths) != 1:
        return None
    if paths[0] == SAMPLE_URI or paths[0].lower().endswith(".h5ad"):
        return read_into_viewer
    return read_into_viewer if _holds_cells(Path(paths[0])) else None


def read_into_viewer(path: Any) -> list[tuple[None]]:
    """Open a file in the session of the current viewer; the layers follow when it has been read."""
    from napari import current_viewer

    from glasscell.plugin.desk import desk_for

    viewer = current_viewer()
    if viewer is not None:
        name = path if isinstance(path, str) else str(path[0])
        desk_for(viewer).open(None if name == SAMPLE_URI else Path(name))
    return [(None,)]


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
