"""A look through an HDF5 file before it is read: nothing outside it, no absurd sizes, no endless links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.data.guard_size import check_declared, check_fits
from glasscell.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

_DEEPEST = 64


def check_hdf5(path: Path) -> tuple[str, ...]:
    """Walk all groups of a file and refuse what could reach outside it or fill the memory.

    Parameters
    ----------
    path
        An HDF5 file.

    Returns
    -------
    Names at the root.

    Raises
    ------
    DataError
        The file is truncated, links to other files, keeps data elsewhere or claims impossible sizes.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            check_fits(_walk(file, "", set(), 0))
            return tuple(file.keys())
    except DataError:
        raise
    except Exception as error:
        raise DataError(
            f"{path.name} is damaged or cut short: {_reason(error)}. Copy or download it again."
        ) from error


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    inner = text[text.find("(") + 1 : text.rfind(")")] if "(" in text and text.endswith(")") else text
    return (inner or type(error).__name__)[:160].rstrip(".")


def _walk(group: Any, where: str, seen: set[int], depth: int) -> int:
    import h5py

    if depth > _DEEPEST:
        raise DataError(
            f"The file nests groups more than {_DEEPEST} deep at {where[:80]!r}; it is not an AnnData file."
        )
    address = h5py.h5o.get_info(group.id).addr
    if address in seen:
        return 0
    seen.add(address)
    declared = 0
    for name in group:
        place = f"{where}/{name}"
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise DataError(
                f"{place!r} is a link to somewhere else; Glasscell reads only what the file itself holds."
            )
        item = group[name]
        if isinstance(item, h5py.Group):
            declared += _walk(item, place, seen, depth + 1)
        elif isinstance(item, h5py.Dataset):
            declared += _check_array(item, place)
    return declared


def _check_array(item: Any, place: str) -> int:
    if item.is_virtual or item.external:
        raise DataError(
            f"{place!r} keeps its data in another file; Glasscell reads only what the file itself holds."
        )
    if item.shape is None:
        return 0
    declared = int(item.size) * int(item.dtype.itemsize)
    check_declared(place, declared, int(item.id.get_storage_size()))
    return declared
