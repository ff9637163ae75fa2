"""What a family of models is to the training, saving and loading around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from glasscell.data.dataset import Dataset
    from glasscell.data.neighbour import GraphSpec, Neighbours
    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Curve
    from glasscell.models.capability.model import Model
    from glasscell.models.info import FamilyParams, ModelInfo
    from glasscell.models.preflight_line import PreflightLine
    from glasscell.models.preprocessing import Preprocessing
    from glasscell.models.row import Rows


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Everything a family may learn from; row ``i`` of each part is the same cell.

    Parameters
    ----------
    rows
        Expression in the models' input space.
    size
        Total counts, ``(n,)`` float32; None when the data are not counts.
    codes, classes
        Class of each cell, ``(n,)`` int32, -1 for none, and the names; no names when there are no labels.
    label_column
        Where the classes came from; empty when there are no labels.
    genes, preprocessing
        Of the columns of ``rows``.
    counts
        Raw counts, same columns; None unless the family's ``info.needs_counts``.
    batch, batches, batch_column
        Technical batch of each cell, ``(n,)`` int32, -1 for none, the names, and the obs column they came
        from; no names when no batch was asked for.
    neighbours
        Of each cell on the tissue; None unless the family's ``info.needs_positions``.
    action, actions, action_column, control
        What was done to each cell, ``(n,)`` int32, -1 for unknown, the names, the obs column they came
        from, and which name is the control; None and empty unless the family's ``info.needs_action``.
    modalities
        What each column counts: ``RNA``, ``protein``, ``chromatin``; empty unless ``info.needs_modality``.
    cell_names
        Name of each cell, ``(n,)``; None unless the family's ``info.looks_at_unlabelled``.
    """

    rows: Rows
    size: NDArray[np.float32] | None
    codes: NDArray[np.int32]
    classes: tuple[str, ...]
    genes: tuple[str, ...]
    preprocessing: Preprocessing
    counts: Rows | None = None
    batch: NDArray[np.int32] | None = None
    batches: tuple[str, ...] = ()
    batch_column: str = ""
    neighbours: Neighbours | None = None
    action: NDArray[np.int32] | None = None
    actions: tuple[str, ...] = ()
    action_column: str = ""
    control: str = ""
    label_column: str = ""
    modalities: tuple[str, ...] = ()
    cell_names: NDArray[np.str_] | None = None


@dataclass(frozen=True, eq=False)
class FoldPlan:
    """Which cells one net learns from, and how.

    Parameters
    ----------
    train, valid
        Row numbers; ``valid`` decides when to stop and calibrates, and is empty when ``epochs`` is given.
    seed
        Of weights, order and noise.
    device
        ``cpu``, ``cuda`` or ``mps``.
    epochs
        Train for exactly this many; None stops early.
    apart
        Row numbers of cells that must teach the net nothing, labelled or not: the fold held out, the gap
        around it, cells of no fold. None where only labels tell.
    """

    train: NDArray[np.int64]
    valid: NDArray[np.int64]
    seed: int
    device: str
    epochs: int | None = None
    apart: NDArray[np.int64] | None = None


class Family(Protocol):
    """One file of ``models/``: a network, its loss, its settings, and words about it."""

    @property
    def info(self) -> ModelInfo:
        """Words about the family."""
        ...

    @property
    def params(self) -> type[FamilyParams]:
        """Class of its settings."""
        ...

    def train(
        self, data: TrainingData, plan: FoldPlan, params: FamilyParams, job: JobHandle
    ) -> tuple[Model, Curve, tuple[str, ...]]:
        """Train one private network and return an immutable copy, its curve, and sentences worth showing."""
        ...

    def tensors(self, model: Model) -> Mapping[str, Tensor]:
        """Return all weights by name."""
        ...

    def describe(self, model: Model) -> Mapping[str, Any]:
        """Return everything else ``restore`` needs, as plain JSON values."""
        ...

    def restore(
        self,
        description: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        *,
        params: FamilyParams,
        genes: tuple[str, ...],
        classes: tuple[str, ...],
    ) -> Model:
        """Rebuild a model that scores bit-equal; raises ModelError when the parts don't fit."""
        ...


@runtime_checkable
class Measures(Protocol):
    """A family that learns without labels and says how good its net is."""

    def figures(
        self, model: Model, data: TrainingData, held_out: NDArray[np.int64], job: JobHandle
    ) -> Mapping[str, Mapping[str, float]]:
        """Measure a net on cells it was not trained on, beside cheap baselines.

        Parameters
        ----------
        held_out
            Row numbers of cells that neither trained nor stopped the net.

        Returns
        -------
        Figures by name for each row of a table; the family's own row, under its key, comes first. Of every
        figure less is better, and one name means one thing: figures of the same name are ranked together.
        """
        ...


@runtime_checkable
class Aligns(Protocol):
    """A family without labels whose latents a twin can be lined up with, so that it can have one."""

    def aligned(self, twin: Model, order: NDArray[np.int64], sign: NDArray[np.float32]) -> Model:
        """Return the model with latent ``order[k]`` as its latent ``k``, times ``sign[k]``."""
        ...


@runtime_checkable
class LooksAhead(Protocol):
    """A family with something of its own to say of a file before it is trained."""

    def look_ahead(self, dataset: Dataset) -> PreflightLine:
        """Return one more line of the preflight, at the family's default settings."""
        ...


@runtime_checkable
class TrainsAlike(Protocol):
    """A family that can train another net with the connections of one, for nets to hold it against."""

    def train_like(
        self, model: Model, data: TrainingData, plan: FoldPlan, params: FamilyParams, job: JobHandle
    ) -> Model:
        """Train a net of the same names and connections as the model from a fresh start."""
        ...


@runtime_checkable
class AlignsDomains(Protocol):
    """A family whose domains, too, can be put in another order: a twin's are numbered like the model's."""

    def domains_aligned(self, twin: Model, order: NDArray[np.int64]) -> Model:
        """Return the model with domain ``order[k]`` as its domain ``k``."""
        ...


@runtime_checkable
class CopiesDomains(Protocol):
    """A family whose nets find domains of their own number: a twin is given the model's, name by name."""

    def with_domains_of(
        self, twin: Model, model: Model, domain_c: NDArray[np.int32], latent_cz: NDArray[np.float32]
    ) -> Model:
        """Return the twin with the model's domains, from the model's domain of each cell and its latents."""
        ...


@runtime_checkable
class FindsNeighbours(Protocol):
    """A family whose models look at neighbours; its settings say at which."""

    def graph(self, params: FamilyParams) -> GraphSpec:
        """Return how neighbours are found."""
        ...


@runtime_checkable
class MayBeAbsent(Protocol):
    """A family that needs a package which may not be installed; it is then greyed with the reason."""

    @property
    def why_not(self) -> str:
        """Why it cannot be used in this installation, in one sentence; empty when it can."""
        ...
