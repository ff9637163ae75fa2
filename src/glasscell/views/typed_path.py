"""Paths typed by a person, where no dialog asks for a file."""

from __future__ import annotations

from pathlib import Path

#: Stands between several paths.
BETWEEN = ";"


def typed_path(text: str, ending: str = "") -> Path | None:
    """Read a path; one without an ending gets ``ending``, and None is returned for an empty text."""
    plain = text.strip().strip("\"'")
    if not plain:
        return None
    path = Path(plain).expanduser()
    return path if path.suffix or not ending else path.with_name(f"{path.name}{ending}")


def typed_paths(text: str) -> Path | list[Path] | None:
    """Read one path, or several with semicolons between them."""
    found = [path for part in text.split(BETWEEN) if (path := typed_path(part)) is not None]
    return found if len(found) > 1 else found[0] if found else None
