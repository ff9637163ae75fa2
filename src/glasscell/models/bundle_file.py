"""Save a bundle as a folder and read it back: safetensors and JSON, nothing that runs.

A crash at any moment leaves a folder that reads as the old bundle or the new one: ``model.json`` names the
digest of its weights, and the previous weights stay beside the new ones until ``model.json`` is replaced.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import GlasscellError, ModelError
from glasscell.models.bundle import Bundle, CellTable, Curve
from glasscell.models.metric import Metrics
from glasscell.models.prediction import prediction_table
from glasscell.models.reference import Reference
from glasscell.models.registry import family as find_family
from glasscell.models.robustness import Robustness

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from glasscell.models.capability.model import Model
    from glasscell.models.family import Family

FORMAT_VERSION = 2
WEIGHTS, PREVIOUS, MODEL, PREDICTIONS = (
    "weights.safetensors",
    "weights.previous.safetensors",
    "model.json",
    "predictions.csv",
)


def save_bundle(bundle: Bundle, folder: str | Path) -> Path:
    """Write a bundle; an older one in the same folder is replaced in one step.

    Parameters
    ----------
    folder
        Made when absent. Other files in it are left alone.

    Returns
    -------
    The folder.

    Raises
    ------
    ModelError
        The folder is a file, cannot be written, or the disk is full; an older bundle is still whole.
    """
    from safetensors.torch import save

    folder = Path(folder).expanduser()
    family = find_family(bundle.family)
    weights = save(_all_tensors(bundle, family))
    words = _describe(bundle, family, hashlib.sha256(weights).hexdigest())
    text = json.dumps(words, indent=1, ensure_ascii=False).encode()
    table = prediction_table(bundle).to_csv(index=False, float_format="%.6g").encode()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        parts = {
            name: _write_beside(folder, data)
            for name, data in ((WEIGHTS, weights), (PREDICTIONS, table), (MODEL, text))
        }
        try:
            _keep_previous(folder)
            for name in (WEIGHTS, PREDICTIONS, MODEL):
                parts[name].replace(folder / name)
            _sync_folder(folder)
        finally:
            for part in parts.values():
                part.unlink(missing_ok=True)
        (folder / PREVIOUS).unlink(missing_ok=True)
    except OSError as error:
        raise ModelError(
            f"The model could not be saved in {folder} ({error.strerror or error}): "
            "choose another folder or free some space."
        ) from error
    return folder


def load_bundle(folder: str | Path) -> Bundle:
    """Read a bundle; its nets score bit-equal to those that were saved. No code in it is run.

    Raises
    ------
    ModelError
        The folder holds no model, is damaged, or was written by a newer version.
    """
    folder = Path(folder).expanduser()
    try:
        words = json.loads((folder / MODEL).read_bytes())
    except FileNotFoundError as error:
        raise ModelError(f"{folder} holds no saved model (there is no {MODEL} in it).") from error
    except NotADirectoryError as error:
        raise ModelError(f"{folder} is a file: give the folder of a saved model.") from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder / MODEL} cannot be read ({error}): the bundle is damaged.") from error
    if not isinstance(words, dict) or not isinstance(words.get("format_version"), int):
        raise ModelError(f"{folder / MODEL} does not describe a model.")
    if words["format_version"] > FORMAT_VERSION:
        raise ModelError(f"{folder} was written by a newer Glasscell: update Glasscell to read it.")
    tensors = _read_tensors(folder, str(words.get("weights_sha256")))
    try:
        return _rebuild(words, tensors)
    except GlasscellError:
        raise
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"{folder / MODEL} lacks or misstates {error}: the bundle is damaged.") from error


def _all_tensors(bundle: Bundle, family: Family) -> dict[str, Tensor]:
    import torch

    cells = bundle.cells
    tensors = {
        "cells/fold": torch.tensor(cells.fold),
        "cells/block": torch.tensor(cells.block),
        "cells/truth": torch.tensor(cells.truth),
        "cells/probabilities": torch.tensor(cells.probabilities_ck),
    }
    if cells.latent_cz is not None:
        tensors["cells/latent"] = torch.tensor(cells.latent_cz)
    if bundle.reference is not None:
        parts = bundle.reference.tensors()
        tensors |= {f"reference/{name}": part.contiguous() for name, part in parts.items()}
    nets = {f"fold{number}": net for number, net in enumerate(bundle.folds)}
    if bundle.twin is not None:
        nets["twin"] = bundle.twin
    for prefix, net in nets.items():
        for name, tensor in family.tensors(net).items():
            tensors[f"{prefix}/{name}"] = tensor.detach().cpu().contiguous().clone()
    return tensors


def _describe(bundle: Bundle, family: Family, digest: str) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "family": bundle.family,
        "weights_sha256": digest,
        "params": bundle.params.model_dump(mode="json"),
        "folds": [dict(family.describe(net)) for net in bundle.folds],
        "twin": None if bundle.twin is None else dict(family.describe(bundle.twin)),
        "labels": bundle.labels_name,
        "classes": list(bundle.classes),
        "split": {"scheme": bundle.split_scheme, "text": bundle.split_text},
        "metrics": None if bundle.metrics is None else bundle.metrics.to_json(),
        "baselines": {name: row.to_json() for name, row in bundle.baselines.items()},
        "figures": {name: dict(row) for name, row in bundle.figures.items()},
        "curves": [curve.to_json() for curve in bundle.curves],
        "notes": list(bundle.notes),
        "robustness": None if bundle.robustness is None else bundle.robustness.to_json(),
        "provenance": dict(bundle.provenance),
        "genes": list(bundle.genes),
        "block_names": list(bundle.cells.block_names),
        "cells": [str(name) for name in bundle.cells.names],
    }


def _rebuild(words: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Bundle:
    family = find_family(words["family"])
    params = family.params(**words["params"])
    genes, classes = tuple(words["genes"]), tuple(words["classes"])

    def net(prefix: str, description: Mapping[str, Any]) -> Model:
        own = {
            name.removeprefix(f"{prefix}/"): value
            for name, value in tensors.items()
            if name.startswith(f"{prefix}/")
        }
        return family.restore(description, own, params=params, genes=genes, classes=classes)

    n_folds = len(words["folds"])
    if not (n_folds and genes and len(words["curves"]) == n_folds):
        raise ValueError("genes, folds or curves")
    latent = tensors.get("cells/latent")
    cells = CellTable(
        names=np.asarray(words["cells"], np.str_),
        fold=tensors["cells/fold"].numpy(),
        block=tensors["cells/block"].numpy(),
        block_names=tuple(words["block_names"]),
        truth=tensors["cells/truth"].numpy(),
        probabilities_ck=tensors["cells/probabilities"].numpy(),
        latent_cz=None if latent is None else latent.numpy(),
    )
    judged = bool(classes) and bool(cells.labelled.any())
    if cells.probabilities_ck.shape[1] != len(classes) or judged != (words["metrics"] is not None):
        raise ValueError("classes or metrics")
    return Bundle(
        family=words["family"],
        params=params,
        folds=tuple(net(f"fold{number}", one) for number, one in enumerate(words["folds"])),
        twin=None if words["twin"] is None else net("twin", words["twin"]),
        labels_name=words["labels"],
        classes=classes,
        split_scheme=words["split"]["scheme"],
        split_text=words["split"]["text"],
        cells=cells,
        metrics=None if words["metrics"] is None else Metrics.from_json(words["metrics"]),
        figures=words.get("figures", {}),
        baselines={name: Metrics.from_json(row) for name, row in words["baselines"].items()},
        curves=tuple(Curve.from_json(curve) for curve in words["curves"]),
        notes=tuple(words["notes"]),
        provenance=words["provenance"],
        reference=_reference(tensors),
        robustness=None if words.get("robustness") is None else Robustness.from_json(words["robustness"]),
    )


def _reference(tensors: Mapping[str, Tensor]) -> Reference | None:
    mark = "reference/"
    parts = {name.removeprefix(mark): part for name, part in tensors.items() if name.startswith(mark)}
    return Reference.from_tensors(parts) if parts else None


def _read_tensors(folder: Path, digest: str) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    for name in (WEIGHTS, PREVIOUS):
        with suppress(OSError):
            data = (folder / name).read_bytes()
            if hashlib.sha256(data).hexdigest() != digest:
                continue
            try:
                tensors: dict[str, Tensor] = load(data)
            except (SafetensorError, ValueError) as error:
                raise ModelError(
                    f"{folder / name} cannot be read ({error}): the bundle is damaged."
                ) from error
            return tensors
    raise ModelError(
        f"The weights in {folder} are missing or not those that were saved: the bundle is damaged."
    )


def _write_beside(folder: Path, data: bytes) -> Path:
    """Write to a new file in the folder and make sure it reached the disk."""
    handle, name = tempfile.mkstemp(prefix=".glasscell-", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def _keep_previous(folder: Path) -> None:
    """Keep the old weights under a second name until the new description stands."""
    weights, previous = folder / WEIGHTS, folder / PREVIOUS
    if not (weights.exists() and (folder / MODEL).exists()):
        return
    if previous.exists():
        wanted = json.loads((folder / MODEL).read_bytes()).get("weights_sha256")
        if hashlib.sha256(weights.read_bytes()).hexdigest() != wanted:
            return
        previous.unlink()
    try:
        os.link(weights, previous)
    except OSError:
        shutil.copy2(weights, previous)


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
