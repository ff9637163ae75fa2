"""Let scvi-tools train one of its models: our cells, our seed, our progress and cancel."""

from __future__ import annotations

import logging
import random
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from glasscell.errors import ModelError, NotCompatible
from glasscell.models.bundle import Curve
from glasscell.models.scvi.file import ScviFile, from_registry
from glasscell.models.scvi.network import import_scvi, quiet_random
from glasscell.models.scvi.params import ScviParams
from glasscell.models.span import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle
    from glasscell.models.family import FoldPlan, TrainingData
    from glasscell.models.scvi.params import TrainerParams

#: Settings that the classes take under the same names.
_MADE_WITH = {
    "n_hidden",
    "n_latent",
    "n_layers",
    "dropout_rate",
    "gene_likelihood",
    "split_aggregation",
}
_UNLABELLED = "\N{REPLACEMENT CHARACTER} unlabelled"


def train(
    kind: str, data: TrainingData, plan: FoldPlan, params: TrainerParams, job: JobHandle
) -> tuple[ScviFile, Curve]:
    """Train and return what ``adapt`` needs, with names of genes, batches and classes put back.

    The global random state of Python, NumPy and torch is left as it was.

    Raises
    ------
    ModelError
        Training diverged, or a class has no training cell.
    JobCancelled
        Somebody asked for it.
    """
    scvi = import_scvi(kind)
    assert data.counts is not None
    rows = np.concatenate([plan.train, plan.valid])
    check_batch(data, rows)
    with seeded(plan.seed):
        model = _fit(scvi, kind, data, plan, params, rows, job)
    tensors = finite_tensors(model)
    made = from_registry(model.registry_, model.init_params_, tensors, list(data.genes))
    if kind == "SCANVI" and len(made.classes) != len(data.classes):
        raise ModelError("A class has no cell to train on in one of the folds: choose another split.")
    named = {"batch_column": data.batch_column, "batches": data.batches} if made.batches else {}
    found = ScviFile(**{**vars(made), **named, "classes": data.classes})
    return found, curve_of(model.history, plan, len(data.genes))


def check_batch(data: TrainingData, rows: NDArray[np.int64]) -> None:
    """Refuse cells without a batch where one is taken out."""
    if data.batch is not None and (data.batch[rows] < 0).any():
        raise NotCompatible(
            f'Some cells have no "{data.batch_column}": fill it in, or train without a batch.'
        )


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed all that scvi-tools draws from, keep its words out of the log, and put all back afterwards."""
    with quiet_random(), _quiet_words():
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002 - scvi-tools draws from this one; put back afterwards
        torch.manual_seed(seed)
        yield


def finite_tensors(model: Any) -> dict[str, torch.Tensor]:
    """Return a trained network's weights by name, on the CPU.

    Raises
    ------
    ModelError
        They are no longer numbers.
    """
    module = model.module.cpu()
    tensors = {name: value.detach().clone() for name, value in module.state_dict().items()}
    if not all(bool(torch.isfinite(value).all()) for value in tensors.values()):
        raise ModelError("Training diverged (weights are no longer numbers): lower the learning rate.")
    return tensors


def _fit(
    scvi: Any,
    kind: str,
    data: TrainingData,
    plan: FoldPlan,
    params: TrainerParams,
    rows: NDArray[np.int64],
    job: JobHandle,
) -> Any:
    table = table_of(data, rows)
    known = {"labels_key": "label"} if kind == "SCANVI" else {}
    first = getattr(scvi.external if kind == "DRVI" else scvi.model, "SCVI" if kind == "SCANVI" else kind)
    first.setup_anndata(table, batch_key=batch_key(data), **known)
    model = first(table, **made_with(params))
    if kind != "SCANVI":
        run(model, kind, plan, params, params.max_epochs, Span(job, 0.0, 1.0))
        return model
    assert isinstance(params, ScviParams)
    run(model, kind, plan, params, params.max_epochs, Span(job, 0.0, 0.7))
    model = scvi.model.SCANVI.from_scvi_model(model, unlabeled_category=_UNLABELLED)
    run(model, kind, plan, params, params.label_epochs, Span(job, 0.7, 1.0, "labels"))
    return model


def batch_key(data: TrainingData) -> str | None:
    """Return the column of ``table_of`` that holds batches; None where there is one at most."""
    return "batch" if len(data.batches) > 1 else None


def made_with(params: TrainerParams) -> dict[str, Any]:
    """Return the settings that classes of scvi-tools take under the same names."""
    return params.model_dump(include=_MADE_WITH)


def table_of(data: TrainingData, rows: NDArray[np.int64], genes: NDArray[np.int64] | None = None) -> Any:
    """Return the cells as scvi-tools takes them; codes stand for names, so that their order is ours.

    Parameters
    ----------
    genes
        Columns wanted; None for all.
    """
    import anndata as ad
    import pandas as pd

    assert data.counts is not None
    columns = {}
    if data.batch is not None:
        columns["batch"] = pd.Categorical([f"{code:05d}" for code in data.batch[rows]])
    if data.classes:
        columns["label"] = pd.Categorical(
            [f"{code:05d}" if code >= 0 else _UNLABELLED for code in data.codes[rows]]
        )
    obs = pd.DataFrame(columns, index=pd.Index([str(row) for row in rows]))
    counts_cg = data.counts.table_cg[rows].astype(np.float32)
    counts_cg = counts_cg if genes is None else counts_cg[:, genes]
    var = pd.DataFrame(index=pd.Index([f"g{number}" for number in range(counts_cg.shape[1])]))
    return ad.AnnData(counts_cg, obs=obs, var=var)


def run(
    model: Any, kind: str, plan: FoldPlan, params: TrainerParams, max_epochs: int, job: JobHandle
) -> None:
    """Call a model's own ``train`` on our cells; each class wants some of its settings by other names."""
    n_train, n_all = len(plan.train), len(plan.train) + len(plan.valid)
    parts = [np.arange(n_train), np.arange(n_train, n_all), np.arange(0)]
    stops = len(plan.valid) > 0
    # Its own stopping cannot be set for every class, and prints.
    callbacks = [_watch(job, max_epochs), *([_stop(kind, params.patience)] if stops else [])]
    rate = params.learning_rate
    more: dict[str, Any] = {"early_stopping": False, "check_val_every_n_epoch": 1 if stops else None}
    if kind == "TOTALVI":
        more |= {"external_indexing": parts, "lr": rate, "reduce_lr_on_plateau": stops}
    elif kind == "VELOVI":
        more |= {"external_indexing": parts, "lr": rate}
    elif kind == "MULTIVI":
        more |= {"datasplitter_kwargs": {"external_indexing": parts}, "lr": rate}
    else:
        more |= {"datasplitter_kwargs": {"external_indexing": parts}, "plan_kwargs": {"lr": rate}}
    model.train(
        max_epochs=max_epochs if plan.epochs is None else min(plan.epochs, max_epochs),
        accelerator={"cuda": "gpu"}.get(plan.device, plan.device),
        devices=1,
        batch_size=_batch_size(n_train, params.batch_size),
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=callbacks,
        **more,
    )


def _batch_size(n_train: int, wanted: int) -> int:
    """Return a size that leaves no single cell over, which BatchNorm could not take."""
    size = min(wanted, max(16, n_train // 8))
    while n_train % size == 1:
        size += 1
    return size


def _watch(job: JobHandle, max_epochs: int) -> Any:
    """Return a callback that reports every step, which is where a run is cancelled."""
    from lightning.pytorch.callbacks import Callback

    class Watch(Callback):  # type: ignore[misc]
        def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
            done = (
                trainer.current_epoch + (trainer.fit_loop.batch_idx + 1) / trainer.num_training_batches
            ) / max_epochs
            shown = {
                ours: float(value)
                for ours, theirs in (("train_loss", "train_loss_step"), ("valid_loss", "elbo_validation"))
                if (value := trainer.callback_metrics.get(theirs)) is not None
            }
            job.report(done, f"epoch {trainer.current_epoch + 1} of at most {max_epochs}", **shown)

    return Watch()


def _stop(kind: str, patience: int) -> Any:
    """Return a callback that stops when the loss of cells not trained on no longer falls."""
    from lightning.pytorch.callbacks import EarlyStopping

    loss = "validation_loss" if kind == "SCVIVA" else "elbo_validation"  # the niche is in the former only
    return EarlyStopping(loss, patience=patience, mode="min")


def curve_of(history: Any, plan: FoldPlan, n_genes: int) -> Curve:
    """Return the negative evidence lower bound per cell and gene, epoch by epoch."""

    def read(name: str) -> tuple[float, ...]:
        if history is None or name not in history:
            return ()
        return tuple(float(value) / n_genes for value in np.asarray(history[name]).ravel())

    learnt = read("elbo_train")
    stopped = "epochs given" if plan.epochs else "scvi-tools ended the training"
    return Curve(learnt, read("elbo_validation"), len(learnt), stopped)


@contextmanager
def _quiet_words() -> Iterator[None]:
    """Keep what scvi-tools and Lightning print about devices and loaders out of the log while training."""
    loggers = [logging.getLogger(name) for name in ("scvi", "lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
