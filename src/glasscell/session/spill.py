"""A folder for results that cannot be worked out again when memory runs short."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glasscell.errors import GlasscellError
from glasscell.session.kept import APPLIED, read_kept, write_kept

if TYPE_CHECKING:
    from glasscell.session.store import Key


class FolderSpill:
    """Models, explanations and what models said of data, put aside in a folder as they are saved."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._places: dict[Key, Path] = {}

    def save(self, key: Key, value: Any) -> bool:
        """Write a result to its own folder; False for anything else, or when the disk is full."""
        if key[0] not in ("bundle", "explanation", APPLIED):
            return False
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="glasscell-"))
        place = self._folder / f"{len(self._places)}"
        try:
            write_kept(value, str(key[0]), place)
        except (OSError, GlasscellError):
            return False
        self._places[key] = place
        return True

    def load(self, key: Key) -> Any | None:
        """Read a result back; None when it was never put aside."""
        place = self._places.get(key)
        return None if place is None else read_kept(str(key[0]), place)

    def names(self, kind: str) -> tuple[str, ...]:
        """Ids of what was put aside."""
        return tuple(key[1] for key in self._places if key[0] == kind)

    def close(self) -> None:
        """Remove the folder."""
        self._places.clear()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
