"""Whether a folder can take a bundle, asked before hours of training rather than after."""

from __future__ import annotations

import os
from pathlib import Path

from glasscell.errors import ModelError
from glasscell.models.bundle_file import MODEL


def check_place(folder: str | Path, *, force: bool = False) -> None:
    """Refuse a place where a bundle cannot be saved, or where another model would be lost.

    Parameters
    ----------
    folder
        Where the bundle is to be saved; it and its parents are made when absent.
    force
        Whether a model in the folder may be replaced.

    Raises
    ------
    ModelError
        The place or a parent of it is a file, cannot be written, or holds a model.
    """
    place = Path(folder).expanduser().absolute()
    nearest = next(one for one in (place, *place.parents) if one.exists())
    if not nearest.is_dir():
        raise ModelError(f"{nearest} is a file: give a folder for the model.")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise ModelError(f"{nearest} may not be written: choose another folder for the model.")
    if not force and (place / MODEL).exists():
        raise ModelError(
            f"{folder} holds a model already: choose another folder, or replace it with --force."
        )
