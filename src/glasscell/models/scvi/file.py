"""Read a folder that scvi-tools saved without running anything that is in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from glasscell.errors import ModelError, NotCompatible
from glasscell.models.preprocessing import Preprocessing
from glasscell.models.scvi.network import OPENED, ScviSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

FILE = "model.pt"
#: Things of these packages are in every saved model (its training history) and are not needed: left out.
_LEFT_OUT = ("pandas.", "scvi.", "lightning.")
_PLAIN = ("builtins.slice", "builtins.bytes", "builtins.dict", "builtins.set", "builtins.frozenset")
# fmt: off
_ARGUMENTS = (
    "n_hidden", "n_latent", "n_layers", "dropout_rate", "dispersion", "gene_likelihood",
    "use_observed_lib_size", "latent_distribution", "log_variational", "encode_covariates",
    "deeply_inject_covariates", "batch_representation", "use_batch_norm", "use_layer_norm",
    "linear_classifier", "classifier_parameters", "bias", "extra_encoder_kwargs", "extra_decoder_kwargs",
    "batch_embedding_kwargs", "var_activation", "labels_groups", "use_labels_groups",
    "n_split_latent", "split_method", "split_aggregation", "n_split_output", "decoder_reuse_weights",
    "activation_fn", "mean_activation",
)
# fmt: on


class _LeftOut:
    """Stands for an object of the file that is not rebuilt; takes what a pickle hands it and does nothing."""

    def __init__(self, *_: Any) -> None: ...

    def __setstate__(self, _: Any) -> None: ...


@dataclass(frozen=True, eq=False)
class ScviFile:
    """What a saved model of scvi-tools says, as plain values and tensors.

    Parameters
    ----------
    spec, tensors
        Network and weights.
    genes, preprocessing
        Of its input.
    batch_column, batches
        Technical batch it was told; empty for none.
    labels_column, classes
        Of a SCANVI, the latter without the name for unlabelled cells; empty for the others.
    n_cells
        Cells it was trained on and stopped by.
    labels
        Label of each of those cells, where the file says; else None.
    valid
        Their row numbers that did not train it, ``(m,)``.
    """

    spec: ScviSpec
    tensors: Mapping[str, Tensor]
    genes: tuple[str, ...]
    preprocessing: Preprocessing
    batch_column: str
    batches: tuple[str, ...]
    labels_column: str = ""
    classes: tuple[str, ...] = ()
    n_cells: int = 0
    labels: NDArray[np.object_] | None = None
    valid: NDArray[np.int64] | None = None


def model_file(path: str | Path) -> Path:
    """Find the model file of a folder, or take the file itself.

    Raises
    ------
    ModelError
        There is none, or there are several.
    """
    path = Path(path).expanduser()
    if path.is_file():
        return path
    if not path.is_dir():
        raise ModelError(f"There is no folder {path}: give the folder that scvi-tools' model.save() wrote.")
    found = sorted(path.glob(f"*{FILE}"))
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(one.name for one in found[:5])
        raise ModelError(f"{path} holds several saved models ({names}): give one of these files.")
    old = " It is of a version before 0.15: scvi.model.SCVI.convert_legacy_save makes a new one."
    legacy = (path / "model_params.pt").exists()
    raise ModelError(f"{path} holds no model saved by scvi-tools (no {FILE}).{old if legacy else ''}")


def what_it_runs(path: str | Path) -> str:
    """Say in plain words what opening a folder does; shown and confirmed before it is done."""
    from glasscell.models.scvi.network import why_no_scvi

    reason = why_no_scvi()
    if reason is not None:
        return f"{Path(path).name} cannot be opened: {reason}."
    from importlib.metadata import version

    return (
        f"Reads {model_file(path).name} in {Path(path).name} with torch's restricted reader: tensors, "
        "NumPy arrays and plain lists only, nothing in the file is run, its training history is left out. "
        "Then builds "
        f"its network with the scvi-tools {version('scvi-tools')} installed here."
    )


def read_scvi(path: str | Path) -> ScviFile:
    """Read what scvi-tools saved.

    Raises
    ------
    ModelError
        The file is damaged, no model of scvi-tools, or holds objects that would run code.
    NotCompatible
        It is of a class that is not adapted.
    """
    place = model_file(path)
    parts = _load(place)
    try:
        attributes, state = parts["attr_dict"], dict(parts["model_state_dict"])
        registry = attributes["registry_"]
        kind = str(registry["model_name"])
        if kind not in OPENED:
            raise NotCompatible(
                f"This is a {kind} of scvi-tools: Glasscell opens {', '.join(OPENED)} so far."
            )
        tensors = {name: value for name, value in state.items() if isinstance(value, torch.Tensor)}
        made = from_registry(
            registry, attributes["init_params_"], tensors, [str(name) for name in parts["var_names"]]
        )
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        raise ModelError(f"{place} is no model that scvi-tools saves (it lacks {error}).") from error
    labels, valid = attributes.get("labels_"), attributes.get("validation_indices_")
    return ScviFile(
        **{
            **vars(made),
            "labels": np.asarray(labels, object) if isinstance(labels, np.ndarray) else None,
            "valid": np.asarray(valid, np.int64) if isinstance(valid, np.ndarray) else None,
        }
    )


def from_registry(
    registry: Mapping[str, Any], made_with: Mapping[str, Any], tensors: Mapping[str, Tensor], genes: list[str]
) -> ScviFile:
    """Turn the registry and settings of a model of scvi-tools into plain sizes and names.

    Parameters
    ----------
    registry, made_with
        Its ``registry_`` and ``init_params_``.
    tensors
        Its weights by name.
    """
    kind = str(registry["model_name"])
    given = {**made_with["non_kwargs"]}
    for more in made_with["kwargs"].values():
        given.update(more)
    fields = registry["field_registries"]
    n_batch = int(fields["batch"]["summary_stats"]["n_batch"])
    arguments = {name: _plain(given[name]) for name in _ARGUMENTS if given.get(name) is not None}
    arguments.update(n_input=len(genes), n_batch=n_batch)
    if kind == "DRVI":
        arguments.setdefault("n_hidden", 128)  # its network, asked for no width, would take another
    if kind == "LinearSCVI":
        arguments["n_layers_encoder"] = arguments.pop("n_layers", 1)
    else:
        numbers = fields.get("extra_continuous_covs", {}).get("summary_stats", {})
        classed = fields.get("extra_categorical_covs", {}).get("state_registry", {})
        arguments.update(
            n_labels=int(fields["labels"]["summary_stats"]["n_labels"]),
            n_continuous_cov=int(numbers.get("n_extra_continuous_covs", 0)),
            n_cats_per_cov=_plain(classed.get("n_cats_per_key")),
            use_size_factor_key=bool(registry["setup_args"].get("size_factor_key")),
        )
    labels_column, classes = "", tuple[str, ...]()
    if kind == "SCANVI":
        arguments["n_labels"] = int(tensors["y_prior"].shape[-1])
        labels_column, classes = _classes(fields["labels"]["state_registry"], arguments["n_labels"])
    logged = arguments.get("log_variational", True)
    state = fields["batch"]["state_registry"]
    return ScviFile(
        spec=ScviSpec(kind, arguments, str(registry.get("scvi_version", ""))),
        tensors=tensors,
        genes=tuple(genes),
        preprocessing=Preprocessing("log1p", None, "log1p counts")
        if logged
        else Preprocessing("counts", None, "counts"),
        batch_column=str(state["original_key"]) if n_batch > 1 else "",
        batches=tuple(str(name) for name in state["categorical_mapping"]) if n_batch > 1 else (),
        labels_column=labels_column,
        classes=classes,
        n_cells=int(fields["X"]["summary_stats"]["n_cells"]),
    )


def _classes(state: Mapping[str, Any], n_labels: int) -> tuple[str, tuple[str, ...]]:
    names = [str(name) for name in state["categorical_mapping"]]
    if len(names) > n_labels:
        names = [name for name in names if name != str(state.get("unlabeled_category"))]
    if len(names) != n_labels:
        raise ValueError("names for its classes")
    return str(state["original_key"]), tuple(names)


def _plain(value: Any) -> Any:
    """Turn NumPy values into what JSON can hold; refuse anything else."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise NotCompatible(
        f"It was made with a setting that is no plain value ({type(value).__name__}), which "
        "Glasscell does not rebuild."
    )


def _load(place: Path) -> Mapping[str, Any]:
    """Unpickle with torch's restricted reader; never fall back to the unrestricted one."""
    from torch.serialization import add_safe_globals, clear_safe_globals, get_safe_globals

    others = get_safe_globals()  # what other packages let in is neither needed here nor wanted
    clear_safe_globals()
    try:
        return _read_known(place)
    finally:
        clear_safe_globals()
        add_safe_globals(others)


def _read_known(place: Path) -> Mapping[str, Any]:
    from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

    try:
        wanted = [str(name) for name in get_unsafe_globals_in_checkpoint(str(place))]
    except Exception as error:
        words = " ".join(str(error).split())[:120]
        raise ModelError(f"{place} cannot be read ({words}): it is damaged, or no saved model.") from error
    known = _known()
    strange = [name for name in wanted if name not in known and not name.startswith(_LEFT_OUT)]
    if strange:
        raise ModelError(
            f"{place} holds {', '.join(strange[:4])}, which scvi-tools does not save and which could "
            "run code: it is not opened."
        )
    extra = [(known.get(name, _LeftOut), name) for name in wanted]
    try:
        with safe_globals([*extra, *_dtypes(), _LeftOut]):
            parts = torch.load(place, map_location="cpu", weights_only=True)
    except Exception as error:
        words = " ".join(str(error).split("WeightsUnpickler error:")[-1].split())[:160]
        raise ModelError(f"{place} cannot be read safely ({words}): it is not opened.") from error
    if not isinstance(parts, dict) or not {"attr_dict", "model_state_dict", "var_names"} <= set(parts):
        raise ModelError(f"{place} is no model that scvi-tools saves.")
    return parts


def _known() -> dict[str, Any]:
    """Return the harmless things a saved model is made of, by the names under which they are pickled."""
    import builtins

    from numpy._core import multiarray

    known: dict[str, Any] = {name: getattr(builtins, name.partition(".")[2]) for name in _PLAIN}
    known["collections.defaultdict"] = _as_dict
    for module in ("numpy._core.multiarray", "numpy.core.multiarray"):
        known[f"{module}._reconstruct"] = multiarray._reconstruct
        known[f"{module}.scalar"] = multiarray.scalar
    return {**known, "numpy.ndarray": np.ndarray, "numpy.dtype": np.dtype}


def _as_dict(*_: Any) -> dict[Any, Any]:
    """Return a plain dict where a defaultdict was saved; the restricted reader fills no other."""
    return {}


def _dtypes() -> list[type]:
    return [kind for name in dir(np.dtypes) if isinstance(kind := getattr(np.dtypes, name), type)]
