"""Networks of scvi-tools, rebuilt from plain sizes and tensors and run layer by layer.

The modules are scvi-tools' own classes, called and never subclassed. They are made on the ``meta`` device, so
that making one draws no random number and takes no memory before its weights are known to fit.
"""

from __future__ import annotations

import random
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from glasscell.errors import ModelError, NotCompatible
from glasscell.models.layer import fold_batch_norm

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Class of scvi-tools' models, and module and class of the network each holds: those that are opened, then
#: those that are trained here only.
OPENED: Mapping[str, str] = {
    "SCVI": "scvi.module:VAE",
    "SCANVI": "scvi.module:SCANVAE",
    "LinearSCVI": "scvi.module:LDVAE",
    "DRVI": "scvi.external.drvi:DRVIModule",
}
MODULES: Mapping[str, str] = {
    **OPENED,
    "TOTALVI": "scvi.module:TOTALVAE",
    "MULTIVI": "scvi.module:MULTIVAE",
    "SCVIVA": "scvi.external.scviva:nicheVAE",
    "VELOVI": "scvi.external.velovi:VELOVAE",
}
#: First version with a class that not every version we work with has.
SINCE: Mapping[str, str] = {"DRVI": "1.5"}


@dataclass(frozen=True)
class ScviSpec:
    """What rebuilds a network of scvi-tools beside its tensors; plain values that JSON can hold.

    Parameters
    ----------
    kind
        A key of ``MODULES``, such as ``SCVI``.
    arguments
        Of the network's class.
    version
        Version of scvi-tools that trained it.
    """

    kind: str
    arguments: Mapping[str, Any]
    version: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return {"kind": self.kind, "arguments": dict(self.arguments), "version": self.version}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ScviSpec:
        """Rebuild what ``to_json`` gave."""
        return cls(values["kind"], dict(values["arguments"]), values.get("version", ""))


@contextmanager
def quiet_random() -> Iterator[None]:
    """Put the random state of Python, NumPy and torch back afterwards, whatever happens inside."""
    python, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002 - kept, not drawn from
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy_state)  # noqa: NPY002


def why_no_scvi(kind: str = "SCVI") -> str | None:
    """Say in one clause why models of scvi-tools cannot be used here, or None when they can.

    Nothing is imported: what a version lacks is seen from its files.

    Parameters
    ----------
    kind
        Class wanted, a key of ``MODULES``.
    """
    from importlib.util import find_spec

    found = find_spec("scvi")
    if found is None:
        return "scvi-tools is not installed: pip install 'glasscell[scvi]'"
    if kind in SINCE:
        parts = MODULES[kind].partition(":")[0].split(".")[1:]
        if not any(Path(place, *parts).is_dir() for place in found.submodule_search_locations or ()):
            from importlib.metadata import version

            needed = SINCE[kind]
            return (
                f"it needs scvi-tools {needed} or newer and {version('scvi-tools')} is installed: "
                f"pip install 'scvi-tools>={needed}' under Python 3.12 or newer"
            )
    return None


def import_scvi(kind: str = "SCVI") -> Any:
    """Import scvi-tools without leaving a trace in the random state.

    Parameters
    ----------
    kind
        Class wanted, a key of ``MODULES``.

    Raises
    ------
    NotCompatible
        It is not installed, or is of a version without that class.
    """
    reason = why_no_scvi(kind)
    if reason is not None:
        raise NotCompatible(f"{kind} of scvi-tools cannot be used here: {reason}.")
    with quiet_random():
        import scvi
        import scvi.model

        import_module(MODULES[kind].partition(":")[0])
    return scvi


def build_module(spec: ScviSpec, tensors: Mapping[str, Tensor]) -> nn.Module:
    """Make a network of scvi-tools and give it its weights; evaluation mode, no gradients on them.

    Raises
    ------
    ModelError
        The arguments or the tensors do not fit the class.
    NotCompatible
        scvi-tools is not installed, or the network has parts that are not adapted.
    """
    if spec.kind not in MODULES:
        raise NotCompatible(
            f"This is a {spec.kind} of scvi-tools: Glasscell knows {', '.join(MODULES)} so far."
        )
    scvi = import_scvi(spec.kind)
    module_name, _, class_name = MODULES[spec.kind].partition(":")
    arguments = dict(spec.arguments)
    if not arguments.get("use_observed_lib_size", spec.kind != "LinearSCVI"):
        shape = (1, int(arguments.get("n_batch", 1)))
        arguments.update(library_log_means=np.zeros(shape), library_log_vars=np.ones(shape))
    if spec.kind == "VELOVI":  # only their size is told here, the values are among the tensors
        arguments.update(
            dict.fromkeys(("switch_spliced", "switch_unspliced"), np.zeros(arguments["n_input"]))
        )
    try:
        with quiet_random(), torch.device("meta"), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Initializing zero-element")  # a MULTIVI without proteins
            module: nn.Module = getattr(import_module(module_name), class_name)(**arguments)
        module.load_state_dict(dict(tensors), assign=True)
    except (RuntimeError, TypeError, ValueError, KeyError, AttributeError) as error:
        words = " ".join(str(error).split())[:200]
        raise ModelError(
            f"The saved {spec.kind} does not fit scvi-tools {scvi.__version__} ({words}): "
            "open it with the version that trained it and save it again."
        ) from error
    module.eval().requires_grad_(False)
    if spec.kind in OPENED:
        check_module(module)
    return module


def check_module(module: Any) -> None:
    """Refuse, in one sentence, networks whose latents are no function of genes and batch alone."""
    if module.latent_distribution != "normal":
        raise NotCompatible(
            "Its latents follow a logistic normal, whose mean scvi-tools estimates by random draws: "
            "train with latent_distribution='normal'."
        )
    if module.encode_covariates and (module.batch_representation == "embedding" or _extra(module)):
        raise NotCompatible(
            "Its encoder reads embedded batches or further covariates, which Glasscell does not pass on: "
            "train with encode_covariates=False."
        )
    if getattr(module, "use_labels_groups", False):
        raise NotCompatible("It classifies in groups of labels, which Glasscell does not follow.")


def _extra(module: Any) -> bool:
    """Whether the encoder has inputs beside genes and the batch."""
    layers = module.z_encoder.encoder
    known = module.n_input + sum(layers.n_cat_list[:1])
    return bool(first_linear(layers).in_features != known or len(layers.n_cat_list) > 1)


def first_linear(layers: Any) -> nn.Linear:
    """Return the first linear layer of scvi-tools' fully connected layers."""
    found = layers.fc_layers[0][0]
    assert isinstance(found, nn.Linear)
    return found


def folded(layers: Any, n_genes: int, covariates: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return ``W`` ``(hidden, n_genes)`` and ``b``, ``(hidden,)`` or with covariates ``(n, hidden)``.

    BatchNorm that follows the first linear layer is folded in.
    """
    linear, after = first_linear(layers), layers.fc_layers[0][1]
    weight_hg = linear.weight[:, :n_genes]
    bias: Tensor = linear.weight.new_zeros(linear.out_features) if linear.bias is None else linear.bias
    if covariates is not None:
        bias = bias + covariates @ linear.weight[:, n_genes:].T
    if isinstance(after, nn.BatchNorm1d):
        return fold_batch_norm(weight_hg, bias, after)
    return weight_hg, bias


def through(layers: Any, values_cg: Tensor, covariates: Tensor | None) -> Tensor:
    """Run scvi-tools' fully connected layers; those of one batch want to be told something all the same."""
    more = [values_cg.new_zeros(len(values_cg), 1)] * len(layers.n_cat_list)
    hidden_ch: Tensor = layers(values_cg, *(more if covariates is None else [covariates]))
    return hidden_ch


def finish(layers: Any, hidden_ch: Tensor, covariates: Tensor | None) -> Tensor:
    """Run what follows ``W x + b``; scvi-tools injects covariates into later layers too."""
    for number, block in enumerate(layers.fc_layers):
        steps = [step for step in block if step is not None]
        if number == 0:
            steps = steps[2:] if len(steps) > 1 and isinstance(steps[1], nn.BatchNorm1d) else steps[1:]
        for step in steps:
            if isinstance(step, nn.Linear) and covariates is not None and layers.inject_into_layer(number):
                hidden_ch = torch.cat([hidden_ch, covariates], dim=-1)
            hidden_ch = step(hidden_ch)
    return hidden_ch
