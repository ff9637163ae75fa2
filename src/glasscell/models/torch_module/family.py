"""Family ``torch_module``: a network of one's own, trained here or trained elsewhere and brought along."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from glasscell.errors import ModelError
from glasscell.models import training_field
from glasscell.models.info import FamilyParams, ModelInfo
from glasscell.models.loop import LoopSettings, fit_loop, seeded
from glasscell.models.network import make_own_network, network_names, register_network
from glasscell.models.preprocessing import Preprocessing
from glasscell.models.published import NetFamily
from glasscell.models.torch_module.model import TorchModel, make_torch_model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Curve
    from glasscell.models.family import FoldPlan, TrainingData

__all__ = ["FAMILY", "TorchModel", "TorchModuleParams", "wrap"]


class TorchModuleParams(FamilyParams):
    """Settings of the family ``torch_module``."""

    network: str = Field(
        "", title="Network", description="Name of your network; empty takes the only one known."
    )
    class_weight: float = training_field.class_weight(1.0)
    learning_rate: float = training_field.learning_rate(1e-3)
    weight_decay: float = training_field.weight_decay(1e-2)
    batch_size: int = Field(256, ge=8, le=65536, title="Batch size", description="Cells per step.")
    max_epochs: int = training_field.max_epochs(200)
    patience: int = Field(
        10, ge=1, le=1000, title="Patience", description="Epochs without a better validation loss."
    )


INFO = ModelInfo(
    key="torch_module",
    title="Own network",
    source="",
    works_for="A torch.nn.Module of yours that turns the genes of a cell into one logit per class.",
    fails_for="Networks whose rows depend on each other, or that need more than a cell's expression.",
    min_cells=50,
    target_kinds=("class", "contrast"),
)


class TorchModuleFamily(NetFamily):
    """Trains, takes apart and rebuilds people's own networks."""

    info = INFO
    params: type[FamilyParams] = TorchModuleParams

    def train(
        self, data: TrainingData, plan: FoldPlan, params: FamilyParams, job: JobHandle
    ) -> tuple[TorchModel, Curve, tuple[str, ...]]:
        """Train one network by class-weighted cross-entropy and return an immutable copy of it."""
        from glasscell.models.classifier.network import class_weights

        assert isinstance(params, TorchModuleParams)
        name = chosen_name(params.network)
        with seeded(plan.seed, "cpu"):
            network = make_own_network(name, len(data.genes), len(data.classes))
        make_torch_model(network, self.info, name, data.genes, data.classes, data.preprocessing)
        codes = torch.from_numpy(data.codes.astype(np.int64)).to(plan.device)
        train = torch.from_numpy(plan.train)
        weight_k = class_weights(codes[train.to(codes.device)].cpu(), len(data.classes), params.class_weight)
        weight_k = weight_k.to(codes.device)

        def loss(net: nn.Module, indices: Tensor) -> Tensor:
            truth = codes[indices.to(codes.device)]
            return functional.cross_entropy(net(data.rows.take(indices)), truth, weight=weight_k)

        settings = LoopSettings(
            max_epochs=params.max_epochs,
            batch_size=min(params.batch_size, max(16, len(plan.train) // 8)),
            learning_rate=params.learning_rate,
            weight_decay=params.weight_decay,
            patience=params.patience,
            epochs=plan.epochs,
        )
        result = fit_loop(
            network, loss, plan.train, plan.valid, settings, seed=plan.seed, device=plan.device, job=job
        )
        model = make_torch_model(
            result.network.cpu(), self.info, name, data.genes, data.classes, data.preprocessing
        )
        return model, result.curve, result.notes

    def restore(
        self,
        description: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        *,
        params: FamilyParams,
        genes: tuple[str, ...],
        classes: tuple[str, ...],
    ) -> TorchModel:
        """Rebuild a model that scores bit-equal, from code somebody has registered under its name."""
        name = str(description["network"])
        with seeded(0, "cpu"):
            network = make_own_network(name, len(genes), len(classes))
        put_weights(network, tensors, name)
        preprocessing = Preprocessing.from_json(description["preprocessing"])
        return make_torch_model(
            network, self.info, name, genes, classes, preprocessing, float(description["temperature"])
        )


def wrap(
    network: nn.Module,
    genes: Sequence[str],
    classes: Sequence[str],
    preprocessing: Preprocessing | str = "lognorm",
    *,
    target_sum: float = 1e4,
    weights: Path | str | None = None,
    name: str = "",
) -> TorchModel:
    """Make a model of a network that was trained elsewhere.

    Parameters
    ----------
    network
        From ``(n, n_genes)`` to logits ``(n, n_classes)``; a copy is kept, in evaluation mode.
    genes, classes
        Names of its inputs and outputs, in order.
    preprocessing
        What it was trained on: ``lognorm`` (log1p of counts scaled to ``target_sum``), ``stored``,
        ``log1p``, ``counts``, or a full ``Preprocessing``.
    target_sum
        Total that cells were scaled to; used by ``lognorm`` only.
    weights
        A ``.safetensors`` file to load into the network first.
    name
        What bundles call it; the class name when empty. It is registered in this process, so that a bundle
        of it opens here; elsewhere ``register_network`` must be called first.

    Raises
    ------
    ModelError
        Names repeat, weights do not fit, or the network has other sizes.
    """
    for what, names in (("gene", genes), ("class", classes)):
        if not names or len(set(names)) != len(names):
            raise ModelError(f"Give each {what} one name of its own, in the network's order.")
    if isinstance(preprocessing, str):
        units = {"lognorm": "log1p normalised counts", "log1p": "log1p counts", "counts": "counts"}
        if preprocessing not in (*units, "stored"):
            raise ModelError(f"{preprocessing!r} is no preprocessing: {', '.join((*units, 'stored'))} are.")
        total = target_sum if preprocessing == "lognorm" else None
        preprocessing = Preprocessing(preprocessing, total, units.get(preprocessing, ""))  # type: ignore[arg-type]
    name = name or type(network).__name__
    if weights is not None:
        put_weights(network, read_weights(weights), name)
    model = make_torch_model(network, INFO, name, tuple(genes), tuple(classes), preprocessing)
    blank = model.network
    register_network(name, lambda n_genes, n_classes: deepcopy(blank))
    return model


def read_weights(path: Path | str) -> dict[str, Tensor]:
    """Read a ``.safetensors`` file.

    Raises
    ------
    ModelError
        There is no such file, or it is of another kind (a ``.pt`` file can run code and is not opened).
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(Path(path).expanduser())
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"{path} is no readable .safetensors file ({error}): write one with "
            "safetensors.torch.save_file(network.state_dict(), path)."
        ) from error


def put_weights(network: nn.Module, tensors: Mapping[str, Tensor], name: str) -> None:
    """Load weights by name into a network; ModelError where names or shapes differ."""
    try:
        network.load_state_dict(dict(tensors))
    except RuntimeError as error:
        first = str(error).splitlines()[-1].strip()
        raise ModelError(
            f"The weights do not fit the network {name!r} ({first}): is it the code they were trained with?"
        ) from error


def chosen_name(name: str) -> str:
    """Return the network asked for; the only one known when none was named."""
    known = network_names()
    return known[0] if not name and len(known) == 1 else name


FAMILY = TorchModuleFamily()
