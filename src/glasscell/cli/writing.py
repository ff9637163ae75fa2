"""Writing what a command was asked to write; a file that was there is kept, and where is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.cli.console import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import pandas as pd

    from glasscell.data.dataset import Dataset


def check_out(out: Path | None) -> None:
    """Refuse a place for data before the work starts.

    Raises
    ------
    DataError
        The name ends neither in .h5ad nor in .zarr, or its folder is not there.
    """
    from glasscell.data.write import check_name
    from glasscell.errors import DataError

    if out is None:
        return
    check_name(out)
    parent = out.expanduser().resolve().parent
    if not parent.is_dir():
        raise DataError(f"{out.name} cannot be written: there is no folder {str(parent)!r}.")


def save_data(dataset: Dataset, out: Path, explanations: Iterable[Any] = ()) -> Path | None:
    """Write data, keeping the file that was there.

    Returns
    -------
    Where the previous version lies; None when there was none.
    """
    from glasscell.data.write import write

    place, before = out.expanduser(), out.expanduser().exists()
    write(dataset, place, explanations=explanations, keep_previous=True)
    return _kept(place, before)


def save_file(out: Path, write: Callable[[Path], None]) -> Path | None:
    """Write a table, picture or page, keeping the file that was there; see `save_data`."""
    from glasscell.data.atomic import previous_name, write_atomically

    place, before = out.expanduser(), out.expanduser().exists()
    write_atomically(place, write, previous=previous_name(place))
    return _kept(place, before)


def save_table(frame: pd.DataFrame, out: Path) -> None:
    """Write a table of numbers as CSV, keeping the file that was there, and say so."""
    tell(out, save_file(out, lambda fresh: frame.to_csv(fresh, index=False, float_format="%.9g")))


def tell(out: Path, kept: Path | None) -> None:
    """Say on stderr what was written and where the previous version lies."""
    say(written(out, kept))


def written(out: Path, kept: Path | None) -> str:
    """Return the sentences that say where a file was written and where its previous version lies."""
    before = "" if kept is None else f" The previous version is kept as {kept}."
    return f"Written to {out}.{before}"


def _kept(place: Path, before: bool) -> Path | None:
    from glasscell.data.atomic import previous_name

    return previous_name(place) if before else None
