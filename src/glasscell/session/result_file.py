"""A traversal, attention, perturbation or other result as a folder, read back equal: nothing in it runs.

``write_into`` keeps in a data file what others can use of a result; this keeps all of it, for sessions. The
form is that of saved explanations: one JSON text and one safetensors file.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import DataError, GlasscellError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

FORMAT_VERSION = 1
WORDS, VALUES = "result.json", "values.safetensors"
#: What a result may be made of, and where each is defined; nothing else is ever made of a file.
PARTS: Mapping[str, str] = {
    "Traversal": "glasscell.explain.traversal.result",
    "Nearest": "glasscell.explain.traversal.nearest",
    "LabelLink": "glasscell.explain.traversal.label",
    "FactorStability": "glasscell.explain.traversal.stability_result",
    "SetWorth": "glasscell.explain.worth.result",
    "TokenAttention": "glasscell.explain.attention.token_result",
    "EdgeAttention": "glasscell.explain.attention.edge_result",
    "AttentionProvenance": "glasscell.explain.attention.provenance",
    "Perturbation": "glasscell.explain.perturbation.result",
    "PerturbationProvenance": "glasscell.explain.perturbation.result",
    "Comparison": "glasscell.explain.perturbation.result",
    "Observed": "glasscell.explain.perturbation.result",
    "Contrast": "glasscell.explain.contrast",
    "Tested": "glasscell.explain.contrast_test",
    "AttributionContrast": "glasscell.explain.contrast_model",
    "Agreement": "glasscell.explain.contrast_model",
    "ModelComparison": "glasscell.explain.comparison.result",
    "ReasonAgreement": "glasscell.explain.comparison.result",
    "ReasonMaps": "glasscell.explain.comparison.result",
    "Score": "glasscell.explain.comparison.result",
    "NodeImportance": "glasscell.explain.node_importance.result",
    "Applied": "glasscell.models.applied",
    "Expected": "glasscell.models.applied",
    "GeneMatch": "glasscell.models.gene_match",
}
_DEEPEST = 12


def save_result(result: Any, folder: Path) -> None:
    """Write a result; an older folder of that name is replaced in one step.

    Raises
    ------
    DataError
        It cannot be written, or holds something that has no place in a file.
    """
    from safetensors.numpy import save

    from glasscell.data.atomic import write_atomically

    arrays: dict[str, NDArray[Any]] = {}
    said = _plain(result, arrays)
    data = save(arrays)
    words = {
        "format_version": FORMAT_VERSION,
        "values_sha256": hashlib.sha256(data).hexdigest(),
        "result_sha256": _digest(said),
        "result": said,
    }

    def write(fresh: Path) -> None:
        fresh.mkdir()
        (fresh / VALUES).write_bytes(data)
        (fresh / WORDS).write_text(json.dumps(words, allow_nan=False), encoding="utf-8")

    write_atomically(folder, write)


def load_result(folder: Path, wanted: tuple[str, ...]) -> Any:
    """Read what ``save_result`` wrote.

    Parameters
    ----------
    wanted
        Names of the classes it may be.

    Raises
    ------
    DataError
        The folder holds no such result, is damaged, or was written by a newer version.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        words = json.loads((folder / WORDS).read_bytes())
        if words["format_version"] > FORMAT_VERSION:
            raise DataError("It was written by a newer Glasscell: update Glasscell to read it.")
        data = (folder / VALUES).read_bytes()
        said = words["result"]
        if (
            hashlib.sha256(data).hexdigest() != words["values_sha256"]
            or _digest(said) != words["result_sha256"]
        ):
            raise DataError("Its file is not the one that was saved: work it out again.")
        if said["class"] not in wanted:
            raise ValueError(f"it is no {' or '.join(wanted)}")
        return _made(said, load(data), 0)
    except GlasscellError:
        raise
    except FileNotFoundError as error:
        raise DataError("Its files are not there: work it out again.") from error
    except (OSError, KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
        raise DataError(f"Its file is damaged ({str(error)[:80]}): work it out again.") from error
    except SafetensorError as error:
        raise DataError(f"Its values cannot be read ({str(error)[:80]}): work it out again.") from error


def _digest(said: Any) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _plain(value: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    """Turn a value into plain JSON; arrays of numbers go beside it."""
    kind = type(value).__name__
    if kind in PARTS and type(value).__module__ == PARTS[kind]:
        parts = {one.name: _plain(getattr(value, one.name), arrays) for one in fields(value)}
        return {"class": kind, "fields": parts}
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "biuf":
            return {"texts": [str(one) for one in value]}
        name = f"{len(arrays):03d}"
        arrays[name] = np.ascontiguousarray(value)
        return {"array": name}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return {"number": str(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return [_plain(one, arrays) for one in value]
    if hasattr(value, "items"):
        return {"map": {str(name): _plain(one, arrays) for name, one in value.items()}}
    raise DataError(f"A result that holds a {kind} cannot be saved; write it back into a file.")


def _made(said: Any, arrays: Mapping[str, NDArray[Any]], depth: int) -> Any:
    """Turn back what ``_plain`` made; lists become tuples."""
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    if isinstance(said, list):
        return tuple(_made(one, arrays, depth + 1) for one in said)
    if not isinstance(said, dict):
        return said
    if "array" in said:
        return arrays[said["array"]]
    if "texts" in said:
        return np.asarray(said["texts"], np.str_)
    if "number" in said:
        return float(said["number"])
    if "map" in said:
        return {str(name): _made(one, arrays, depth + 1) for name, one in said["map"].items()}
    part = getattr(import_module(PARTS[said["class"]]), said["class"])
    return part(**{str(name): _made(one, arrays, depth + 1) for name, one in said["fields"].items()})
