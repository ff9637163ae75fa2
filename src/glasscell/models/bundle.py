"""What a training run leaves: a net per fold, held-out predictions, and figures beside their baselines."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.models.capability.model import Model
    from glasscell.models.info import FamilyParams
    from glasscell.models.metric import Metrics
    from glasscell.models.reference import Reference
    from glasscell.models.robustness import Robustness

HELD_OUT = "held_out"


@dataclass(frozen=True)
class Curve:
    """Loss per epoch of one net, and where it stopped."""

    train_loss: tuple[float, ...]
    valid_loss: tuple[float, ...]
    best_epoch: int
    stopped: str

    def to_json(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return {
            "train_loss": list(self.train_loss),
            "valid_loss": list(self.valid_loss),
            "best_epoch": self.best_epoch,
            "stopped": self.stopped,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Curve:
        """Rebuild what ``to_json`` gave."""
        train, valid = tuple(values["train_loss"]), tuple(values["valid_loss"])
        return cls(train, valid, values["best_epoch"], values["stopped"])


@dataclass(frozen=True, eq=False)
class CellTable:
    """What is known of every cell of the dataset the nets were trained on.

    Parameters
    ----------
    names
        Cell names, ``(n,)``.
    fold
        Fold that holds the cell out, ``(n,)`` int32, -1 for none.
    block, block_names
        Spatial block, section or donor of the cell as the split made them; codes ``(n,)`` int32, -1 for none.
    truth
        Class code, ``(n,)`` int32, -1 for cells without a label that was used.
    probabilities_ck
        Calibrated, ``(n, n_classes)`` float32: by the net that held the cell out where it has a label,
        the mean over nets elsewhere; no columns for a model without classes.
    latent_cz
        Latent means, ``(n, n_latent)`` float32, of a model whose one net sees all cells; else None.
    """

    names: NDArray[np.str_]
    fold: NDArray[np.int32]
    block: NDArray[np.int32]
    block_names: tuple[str, ...]
    truth: NDArray[np.int32]
    probabilities_ck: NDArray[np.float32]
    latent_cz: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        """Refuse columns of different lengths and make all read-only."""
        columns: tuple[NDArray[Any], ...] = (
            self.names,
            self.fold,
            self.block,
            self.truth,
            self.probabilities_ck,
            *(() if self.latent_cz is None else (self.latent_cz,)),
        )
        if len({len(column) for column in columns}) > 1:
            raise ModelError("The columns of a model's cell table differ in length: the bundle is damaged.")
        for column in columns:
            column.setflags(write=False)

    @cached_property
    def labelled(self) -> NDArray[np.bool_]:
        """Cells with a label and a fold: those that were trained on and held out once."""
        return (self.truth >= 0) & (self.fold >= 0)


@dataclass(frozen=True, eq=False, kw_only=True)
class Bundle:
    """Trained nets and everything needed to judge and to repeat them; never changed once made.

    Parameters
    ----------
    family
        Registry key.
    params
        Settings of the family.
    folds
        One net per fold; ``folds[k]`` has not seen the cells of fold ``k``. A model that learns without
        labels has one net: fold 0 holds the cells it was not trained on, the others have fold -1.
    twin
        Net of the same kind trained on permuted labels, or without labels on redrawn counts; None until it is
        trained.
    labels_name, classes
        Where the labels came from, and their names in the order of the probabilities; empty without labels.
    split_scheme, split_text
        Name and sentence of the split that the figures hold for.
    cells
        Folds, truth and held-out predictions.
    metrics, baselines
        Figures on held-out cells; baselines by name, made on the same split. None and empty without classes.
    figures
        What a model without labels is judged by: figures by name for each row, its own row (named as its
        family) first, cheap baselines after it; empty where there are none.
    curves
        Loss curves, one per fold.
    notes
        Sentences a reader must see: classes left out, halved batches.
    provenance
        Versions, seed, device, seconds, data fingerprint, number of cells and genes.
    reference
        A sample of the training cells, for applying the nets to other data; None in older bundles.
    robustness
        What the model stands; None until it was checked (`glasscell.explain.robustness.measure.robustness`).
    """

    family: str
    params: FamilyParams
    folds: tuple[Model, ...]
    labels_name: str
    classes: tuple[str, ...]
    split_scheme: str
    split_text: str
    cells: CellTable
    metrics: Metrics | None
    baselines: Mapping[str, Metrics]
    curves: tuple[Curve, ...]
    figures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    twin: Model | None = None
    reference: Reference | None = None
    robustness: Robustness | None = None

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the nets; two bundles with the same one score the same. The twin is not part of it."""
        digest = hashlib.sha256(self.family.encode())
        for net in self.folds:
            digest.update(net.fingerprint.encode())
        return digest.hexdigest()[:16]

    @property
    def id(self) -> str:
        """Short name, for channel refs and file names."""
        return f"{self.family}-{self.fingerprint[:8]}"

    @property
    def genes(self) -> tuple[str, ...]:
        """Input genes, in the models' order."""
        return self.folds[0].genes

    @property
    def data_fingerprint(self) -> str:
        """Fingerprint of the dataset the nets were trained on."""
        return str(self.provenance.get("data_fingerprint", ""))

    @property
    def trained_elsewhere(self) -> bool:
        """Whether the nets came trained, so that nobody can train a twin beside them."""
        return "opened" in self.provenance or self.provenance.get("trained") == "elsewhere"

    @property
    def calibrated(self) -> bool:
        """Whether probabilities were scaled on cells that were not trained on; else they are raw softmax."""
        return not self.trained_elsewhere and all(getattr(net, "is_calibrated", True) for net in self.folds)

    @cached_property
    def _row_of_name(self) -> dict[str, int]:
        return {str(name): row for row, name in enumerate(self.cells.names)}

    def rows(self, dataset: Dataset, indices: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        """Find cells of a dataset in this bundle's table by name; -1 for cells it does not know."""
        names = np.asarray(dataset.cell_names)[indices]
        found = self._row_of_name
        return np.fromiter((found.get(str(name), -1) for name in names), np.int64, count=len(names))

    def net_for_cells(
        self, dataset: Dataset, indices: NDArray[np.integer[Any]], which: str = HELD_OUT
    ) -> NDArray[np.int32]:
        """Choose the net that explains or predicts each cell.

        Parameters
        ----------
        indices
            Cells of ``dataset``, ``(n,)``.
        which
            ``held_out``: the net that has not seen the cell (net 0 for cells outside every fold);
            ``fold:2``: one net for all.

        Returns
        -------
        Position in ``folds`` per cell, ``(n,)`` int32.

        Raises
        ------
        ModelError
            There is no such net.
        """
        if which == HELD_OUT:
            rows = self.rows(dataset, indices)
            fold = np.where(rows >= 0, self.cells.fold[rows], -1)
            return np.clip(fold, 0, len(self.folds) - 1).astype(np.int32)
        kind, _, number = which.partition(":")
        if kind != "fold" or not number.isdigit() or int(number) >= len(self.folds):
            raise ModelError(
                f"There is no net {which!r}: write held_out, or fold:0 to fold:{len(self.folds) - 1}."
            )
        return np.full(len(indices), int(number), np.int32)

    def seen_in_training(
        self, dataset: Dataset, indices: NDArray[np.integer[Any]], net_of_cell: NDArray[np.integer[Any]]
    ) -> NDArray[np.bool_]:
        """Tell for each cell whether the net at ``net_of_cell`` was trained on it, ``(n,)``."""
        rows = self.rows(dataset, indices)
        used = self.cells.labelled if self.classes else np.ones(len(self.cells.names), np.bool_)
        if self.classes and self.folds[0].info.looks_at_unlabelled:
            used = self.cells.fold >= 0
        return np.asarray((rows >= 0) & used[rows] & (self.cells.fold[rows] != net_of_cell))

    def with_twin(self, twin: Model, note: str = "") -> Bundle:
        """Return the same bundle with its twin, and what a reader must know of it."""
        notes = (*self.notes, note) if note and note not in self.notes else self.notes
        return replace(self, twin=twin, notes=notes)
