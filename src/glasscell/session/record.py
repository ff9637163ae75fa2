"""What a session file says, checked word by word: one frozen value with its JSON."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from glasscell.errors import DataError
from glasscell.session.kept import KINDS
from glasscell.session.state_json import WRONG, listed, maybe, state_from_json, state_to_json, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glasscell.session.kept import Named
    from glasscell.session.state import State

KIND = "glasscell session"
FORMAT_VERSION = 1
#: Larger files are not sessions.
MAX_BYTES = 512 << 20
MAX_CELLS = 2**31 - 1
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,199}")


@dataclass(frozen=True)
class DataRecord:
    """Which data a session is of.

    Parameters
    ----------
    paths
        Files they were read from, empty when they were never in a file.
    fingerprint
        Of cells, genes and expression.
    n_cells, n_genes
        Size of the table.
    given
        How the reader was told to read: section, donor, counts, observation, unit.
    kept
        What is kept beside the session: "" when the files say all, ``tables`` for columns and embeddings
        that are not in them, ``copy`` for all of it.
    """

    paths: tuple[str, ...]
    fingerprint: str
    n_cells: int
    n_genes: int
    given: tuple[tuple[str, str], ...] = ()
    kept: str = ""


@dataclass(frozen=True)
class Record:
    """A session as it is saved.

    Parameters
    ----------
    data
        None when nothing was open.
    state
        What was shown.
    models, explanations
        Ids of models and explanations kept beside it, oldest first.
    results
        Kind and id of every other result kept beside it; the last of a kind is the latest.
    pictures
        Camera and point size per picture; for the front end.
    saved
        When, in UTC.
    """

    data: DataRecord | None
    state: State
    models: tuple[str, ...] = ()
    explanations: tuple[str, ...] = ()
    results: tuple[Named, ...] = ()
    pictures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    saved: str = ""

    @property
    def made(self) -> tuple[Named, ...]:
        """Kind and id of everything kept beside it."""
        models = [("bundle", name) for name in self.models]
        return (*models, *(("explanation", name) for name in self.explanations), *self.results)

    def to_text(self) -> str:
        """Return the JSON text of the file."""
        data = None
        if self.data is not None:
            data = {
                "paths": list(self.data.paths),
                "fingerprint": self.data.fingerprint,
                "n_cells": self.data.n_cells,
                "n_genes": self.data.n_genes,
                "given": dict(self.data.given),
                "kept": self.data.kept,
            }
        content = {
            "kind": KIND,
            "format_version": FORMAT_VERSION,
            "saved": self.saved,
            "data": data,
            "state": state_to_json(self.state),
            "models": list(self.models),
            "explanations": list(self.explanations),
            "results": [{"kind": kind, "id": name} for kind, name in self.results],
            "pictures": {name: dict(values) for name, values in self.pictures.items()},
        }
        return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)


def read_record(content: bytes, name: str = "This file") -> Record:
    """Read the JSON text of a session file that nobody vouches for; nothing in it is run.

    Parameters
    ----------
    content
        The bytes of the file.
    name
        What to call it in an error.

    Raises
    ------
    DataError
        It is no session, is damaged, or was written by a newer version.
    """
    if len(content) > MAX_BYTES:
        raise DataError(f"{name} is too large to be a session; choose another.")
    try:
        words = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name} is not a session, or is damaged; choose another.") from error
    if not isinstance(words, dict) or words.get("kind") != KIND:
        raise DataError(f"{name} is not a session saved by Glasscell; choose another.")
    version = words.get("format_version")
    if type(version) is not int or version < 1:
        raise DataError(f"{name} is damaged: it does not say its version; choose another.")
    if version > FORMAT_VERSION:
        raise DataError(f"{name} was saved by a newer Glasscell; update Glasscell to open it.")
    try:
        return _record(words)
    except DataError as error:
        raise DataError(f"{name} is damaged: {str(error).rstrip('.')}; choose another.") from error
    except WRONG as error:
        said = str(error)[:80] or type(error).__name__
        raise DataError(f"{name} is damaged: it lacks or misstates {said}; choose another.") from error


def is_id(name: str) -> bool:
    """Whether a text may be the name of a result and of its folder."""
    return _ID.fullmatch(name) is not None


def _record(words: Mapping[str, Any]) -> Record:
    data = maybe(_data, words["data"])
    return Record(
        data=data,
        state=state_from_json(words["state"], 0 if data is None else data.n_cells),
        models=_ids(words["models"]),
        explanations=_ids(words["explanations"]),
        results=_results(words.get("results", [])),
        pictures=_pictures(words["pictures"]),
        saved=text(words["saved"])[:40],
    )


def _data(words: Mapping[str, Any]) -> DataRecord:
    paths = tuple(text(path) for path in listed(words["paths"]))
    if any("\0" in path or "://" in path for path in paths):
        raise ValueError("the path of the data")
    if words["kept"] not in ("", "tables", "copy"):
        raise ValueError("what is kept of the data")
    return DataRecord(
        paths=paths,
        fingerprint=text(words["fingerprint"]),
        n_cells=_size(words["n_cells"]),
        n_genes=_size(words["n_genes"]),
        given=tuple(sorted((text(name), text(value)) for name, value in dict(words["given"]).items())),
        kept=words["kept"],
    )


def _size(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= MAX_CELLS:
        raise ValueError("the size of the data")
    return value


def _ids(value: Any) -> tuple[str, ...]:
    names = tuple(text(name) for name in listed(value))
    if not all(is_id(name) for name in names):
        raise ValueError("the name of a result")
    return names


def _results(value: Any) -> tuple[Named, ...]:
    named = tuple((text(one["kind"]), text(one["id"])) for one in listed(value))
    if not all(kind in KINDS and is_id(name) for kind, name in named):
        raise ValueError("the name of a result")
    return named


def _pictures(value: Any) -> dict[str, dict[str, float]]:
    from glasscell.session.state_json import number

    return {
        text(name): {text(key): number(one) for key, one in dict(values).items()}
        for name, values in dict(value).items()
    }
