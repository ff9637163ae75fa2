"""A whole explanation as a folder, read back equal: safetensors and JSON, nothing that runs.

``store.py`` writes what a data file keeps of a result; this keeps all of it, for sessions and for results put
aside when memory runs short.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from glasscell.data.atomic import write_atomically
from glasscell.errors import DataError, GlasscellError
from glasscell.explain.dense import DenseAttribution
from glasscell.explain.factored import FactoredAttribution
from glasscell.explain.result import Explanation, Provenance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

FORMAT_VERSION = 1
WORDS, VALUES = "explanation.json", "values.safetensors"
_SHARED = ("cells", "fold_of_cell", "in_training", "mean_difference_g")
_OWN = {
    FactoredAttribution: ("baselines_bg", "baseline_of_cell", "gradients_ch", "net_of_cell"),
    DenseAttribution: ("values_cg", "above_cg"),
}
_MAY_LACK = ("mean_difference_g", "own_cg")
_DIFFERENCES = ("input - baseline", "input", "one")


def save_explanation(explanation: Explanation, folder: str | Path) -> Path:
    """Write an explanation with its twin; an older folder of that name is replaced in one step.

    Raises
    ------
    DataError
        It cannot be written, or is of a kind that has no file format.
    """
    from safetensors.numpy import save

    target = Path(folder).expanduser()
    arrays: dict[str, NDArray[Any]] = {}
    words: dict[str, Any] = {"format_version": FORMAT_VERSION, "result": _describe(explanation, "", arrays)}
    data = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    words["values_sha256"] = hashlib.sha256(data).hexdigest()

    def write(fresh: Path) -> None:
        fresh.mkdir()
        (fresh / VALUES).write_bytes(data)
        (fresh / WORDS).write_text(json.dumps(words), encoding="utf-8")

    write_atomically(target, write)
    return target


def load_explanation(folder: str | Path) -> Explanation:
    """Read an explanation that `save_explanation` wrote; nothing in it is run.

    Raises
    ------
    DataError
        The folder holds no explanation, is damaged, or was written by a newer version.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    source = Path(folder).expanduser()
    try:
        words = json.loads((source / WORDS).read_bytes())
        if words["format_version"] > FORMAT_VERSION:
            raise DataError(f"{source.name} was written by a newer Glasscell: update Glasscell to read it.")
        data = (source / VALUES).read_bytes()
        if hashlib.sha256(data).hexdigest() != words["values_sha256"]:
            raise DataError(f"The values in {source.name} are not those that were saved: explain again.")
        return _rebuild(words["result"], "", load(data), 0)
    except GlasscellError:
        raise
    except (OSError, KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
        raise DataError(f"The explanation in {source.name} is damaged ({error}): explain again.") from error
    except SafetensorError as error:
        raise DataError(f"The values in {source.name} cannot be read ({error}): explain again.") from error


def _describe(explanation: Explanation, prefix: str, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    kind = type(explanation)
    if kind not in _OWN:
        raise DataError(f"An explanation of kind {kind.__name__} cannot be saved; write it back into a file.")
    for name in (*_SHARED, *_OWN[kind], *_MAY_LACK):
        array = getattr(explanation, name, None)
        if array is not None:
            arrays[prefix + name] = np.asarray(array)
    words: dict[str, Any] = {
        "kind": kind.__name__,
        "provenance": explanation.provenance.to_json(),
        "n_cells": explanation.n_cells,
        "genes": list(explanation.genes),
        "diagnostics": {name: _number(value) for name, value in explanation.diagnostics.items()},
        "twin": None if explanation.twin is None else _describe(explanation.twin, prefix + "twin/", arrays),
    }
    if isinstance(explanation, FactoredAttribution):
        inputs = explanation.inputs_cg
        for part in ("data", "indices", "indptr"):
            arrays[f"{prefix}inputs/{part}"] = getattr(inputs, part)
        for number, weight in enumerate(explanation.weights):
            arrays[f"{prefix}weights/{number}"] = weight
        words |= {"difference": explanation.difference, "n_weights": len(explanation.weights)}
    return words


def _rebuild(
    words: Mapping[str, Any], prefix: str, arrays: Mapping[str, NDArray[Any]], depth: int
) -> Explanation:
    kinds = {kind.__name__: kind for kind in _OWN}
    kind = kinds[words["kind"]]
    genes = tuple(str(gene) for gene in words["genes"])
    twin = words["twin"]
    if twin is not None and depth:
        raise ValueError("a twin of a twin")
    values: dict[str, Any] = {name: arrays[prefix + name] for name in (*_SHARED[:3], *_OWN[kind])}
    values |= {
        "provenance": Provenance.from_json(words["provenance"]),
        "n_cells": int(words["n_cells"]),
        "genes": genes,
        "diagnostics": {
            str(name): np.nan if value is None else float(value)
            for name, value in words["diagnostics"].items()
        },
        "mean_difference_g": arrays.get(prefix + "mean_difference_g"),
        "twin": None if twin is None else _rebuild(twin, prefix + "twin/", arrays, depth + 1),
    }
    if kind is DenseAttribution:
        values["own_cg"] = arrays.get(prefix + "own_cg")
    if kind is FactoredAttribution:
        if words["difference"] not in _DIFFERENCES:
            raise ValueError("difference")
        data, indices, indptr = (arrays[f"{prefix}inputs/{part}"] for part in ("data", "indices", "indptr"))
        inputs = sparse.csr_matrix((data, indices, indptr), shape=(len(values["cells"]), len(genes)))
        inputs.check_format(full_check=True)
        values["inputs_cg"], values["difference"] = inputs, words["difference"]
        values["weights"] = tuple(arrays[f"{prefix}weights/{one}"] for one in range(words["n_weights"]))
    made: Explanation = kind(**values)
    return made


def _number(value: float) -> float | str | None:
    return float(value) if np.isfinite(value) else None if np.isnan(value) else str(value)
