"""A folder for results that cannot be worked out again when memory runs short."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glasscell.errors import GlasscellError

if TYPE_CHECKING:
    from glasscell.session.store import Key


class FolderSpill:
    """Models and explanations put aside in a temporary folder, in the formats they are saved in."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._places: dict[Key, Path] = {}

    def save(self, key: Key, value: Any) -> bool:
        """Write a result to its own folder; False for anything else, or when the disk is full."""
        if key[0] not in ("bundle", "explanation"):
            return False
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="glasscell-"))
        place = self._folder / f"{len(self._places)}"
        try:
            if key[0] == "bundle":
                from glasscell.models.bundle_file import save_bundle

                save_bundle(value, place)
            else:
                from glasscell.explain.explanation_file import save_explanation

                save_explanation(value, place)
        except (OSError, GlasscellError):
            return False
        self._places[key] = place
        return True

    def load(self, key: Key) -> Any | None:
        """Read a result back; None when it was never put aside."""
        place = self._places.get(key)
        if place is None:
            return None
        if key[0] == "bundle":
            from glasscell.models.bundle_file import load_bundle

            return load_bundle(place)
        from glasscell.explain.explanation_file import load_explanation

        return load_explanation(place)

    def names(self, kind: str) -> tuple[str, ...]:
        """Ids of what was put aside."""
        return tuple(key[1] for key in self._places if key[0] == kind)

    def close(self) -> None:
        """Remove the folder."""
        self._places.clear()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
