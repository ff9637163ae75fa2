"""Saving that cannot lose anything: write beside the target, flush to the disk, then change places."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import secrets
import shutil
import sys
import time
from typing import TYPE_CHECKING

from glasscell.errors import DataError, GlasscellError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT)
_AT_FDCWD, _EXCHANGE = -100, 2
#: A half-written folder is looked at so often, this far apart; so many looks in a row must find nothing.
LONGEST_WAIT, WAIT_S, ENOUGH_QUIET = 100, 0.02, 3


def write_atomically(path: Path, write: Callable[[Path], None], *, previous: Path | None = None) -> None:
    """Let a function write to a new name in the same folder and put the result in place when it is whole.

    Whatever happens before the last step, the old file stays as it was and the new one is removed.

    Parameters
    ----------
    path
        Where the file or folder is to be.
    write
        Writes a file or a folder at the path it is given.
    previous
        Where the old file or folder is kept, in place of what has that name; None to let it go.

    Raises
    ------
    DataError
        The disk is full, the folder is absent or not writable, or the data cannot be written.
    """
    target = path.expanduser().resolve()
    if not target.parent.is_dir():
        raise DataError(f"{path.name} was not saved: there is no folder {str(target.parent)!r}.")
    fresh = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    with _explained(path, target.exists()):
        try:
            write(fresh)
            for item in [fresh, *(fresh.rglob("*") if fresh.is_dir() else ())]:
                _sync(item)
            if target.is_file():
                shutil.copymode(target, fresh)
            kept = None if previous is None else previous.expanduser().resolve()
            if kept is not None and target.is_file():
                _keep_file(target, kept)
            _put_in_place(fresh, target, kept)
            _sync(target.parent)
        except BaseException:
            _clear_away(fresh)
            raise


def _sync(path: Path) -> None:
    if path.is_dir() and sys.platform == "win32":
        return  # Windows cannot open a folder to flush it
    handle = os.open(path, os.O_RDONLY if path.is_dir() or sys.platform != "win32" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def previous_name(path: Path) -> Path:
    """Name beside a file that its previous version is kept under: ``cells.previous.h5ad``."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def _keep_file(target: Path, kept: Path) -> None:
    """Give the old file a second name, so that it is never missing under its own."""
    second = kept.with_name(f".{kept.name}.{secrets.token_hex(4)}.part")
    try:
        try:
            os.link(target, second)
        except OSError:  # a disk without links
            shutil.copy2(target, second)
        second.replace(kept)
    finally:
        _remove(second)


def _keep_folder(old: Path, kept: Path | None) -> None:
    if kept is not None:
        _remove(kept)
        old.replace(kept)
    else:
        _remove(old)


def _put_in_place(fresh: Path, target: Path, kept: Path | None) -> None:
    if not target.is_dir():
        fresh.replace(target)
    elif _exchange(fresh, target):
        _keep_folder(fresh, kept)
    else:
        old = target.with_name(f"{fresh.name}.old")
        target.replace(old)
        try:
            fresh.replace(target)
        except OSError:
            old.replace(target)
            raise
        _keep_folder(old, kept)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step where the system can (Linux); False where it cannot."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        swap = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    return bool(swap(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _EXCHANGE) == 0)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _clear_away(folder: Path) -> None:
    """Remove what was half written, also what threads of the library that wrote it still add to it."""
    quiet = 0
    for _ in range(LONGEST_WAIT):
        quiet = 0 if folder.exists() else quiet + 1
        _remove(folder)
        if quiet == ENOUGH_QUIET:
            return
        time.sleep(WAIT_S)


@contextlib.contextmanager
def _explained(path: Path, existed: bool) -> Iterator[None]:
    kept = "the file that was there is unchanged" if existed else "nothing was left behind"
    try:
        yield
    except GlasscellError:
        raise
    except Exception as error:
        if is_full(error):
            raise DataError(
                f"{path.name} was not saved: the disk is full; {kept}. Free some space."
            ) from error
        if isinstance(error, PermissionError):
            raise DataError(f"{path.name} was not saved: this folder may not be written; {kept}.") from error
        reason = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
        raise DataError(f"{path.name} was not saved: {reason}; {kept}.") from error


def is_full(error: BaseException | None) -> bool:
    """Whether an error, or one behind it, says that there is no space left."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        if "No space left on device" in str(error) or "Disk quota exceeded" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
