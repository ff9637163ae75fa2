"""Which named nodes decide for which class: real nets and control nets over seeds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import torch

from glasscell.errors import DataError, NotCompatible
from glasscell.explain.node_importance.attribute import node_attributions, shares
from glasscell.explain.node_importance.control import (
    DETERMINISTIC,
    REAL,
    SHUFFLED,
    Kind,
    ProfileRows,
    deterministic_profiles,
)
from glasscell.explain.node_importance.result import NodeImportance
from glasscell.jobs import QUIET, JobHandle
from glasscell.models.capability.structure import HasNodes
from glasscell.models.cell_batch import CellBatch
from glasscell.models.family import FoldPlan, TrainsAlike
from glasscell.models.metric import macro_f1
from glasscell.models.span import Span

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.models.bundle import Bundle
    from glasscell.models.family import TrainingData
    from glasscell.models.row import Rows

N_SEEDS = 5
LEAST_SEEDS = 3
#: Held-out cells of a class that are attributed, at most, per net.
CELLS_PER_CLASS = 200
_BLOCK = 4096
_KINDS = (REAL, SHUFFLED, DETERMINISTIC)


def why_no_nodes(bundle: Bundle | None, dataset: Dataset | None) -> str:
    """Say in one sentence why node importance cannot be measured; empty when it can."""
    from glasscell.models.registry import FAMILIES

    if bundle is None or dataset is None:
        return "Train a model with named nodes first: the family pathway_net."
    net = bundle.folds[0]
    if not isinstance(net, HasNodes) or not bundle.classes:
        return f"{net.info.title} has no layers of named nodes: train the family pathway_net."
    if bundle.family not in FAMILIES or not isinstance(FAMILIES[bundle.family], TrainsAlike):
        return f"{net.info.title} cannot be trained again for control networks: train the family pathway_net."
    if bundle.data_fingerprint != dataset.fingerprint:
        return "The model was trained on other data: open those to train control networks on them."
    return ""


def node_importance(
    dataset: Dataset, bundle: Bundle, n_seeds: int = N_SEEDS, job: JobHandle = QUIET
) -> NodeImportance:
    """Measure how much each node matters for each class, beside two kinds of control networks.

    Seed ``s`` leaves out fold ``s`` (counted on from the first again): a real net (the bundle's own, as long
    as there are any), a net of the same connections that learns shuffled labels, and one that learns from
    inputs in which every gene tells the class. All are asked about held-out cells, class by class.

    Parameters
    ----------
    dataset
        The cells the model was trained on.
    bundle
        Of a family with named nodes.
    n_seeds
        Nets of each kind, 3 or more.

    Raises
    ------
    NotCompatible
        The model has no named nodes, or cannot be trained again on these data.
    DataError
        Fewer than three seeds.
    JobCancelled
        Somebody asked for it; nothing is kept.

    References
    ----------
    Elmarakeby et al. 2021, doi:10.1038/s41586-021-03922-4; Fortelny & Bock 2020,
    doi:10.1186/s13059-020-02100-5; Esser-Skala & Fortelny 2023, doi:10.1038/s41540-023-00310-8 (controls).
    """
    if reason := why_no_nodes(bundle, dataset):
        raise NotCompatible(reason)
    if n_seeds < LEAST_SEEDS:
        raise DataError(f"Node importance needs {LEAST_SEEDS} seeds or more: one run tells no spread.")
    job.report(0.0, "preparing cells")
    asked = _Asked.of(dataset, bundle)
    net = cast("HasNodes", bundle.folds[0])
    parts = net.parts()
    numbers = np.arange(1, len(net.layers) + 1, dtype=np.int32)
    layer_n = np.asarray(np.repeat(numbers, [len(layer) for layer in net.layers]), np.int32)
    free_n = np.concatenate(
        [
            np.arange(len(layer)) >= len(layer) - n_free
            for layer, n_free in zip(net.layers, net.n_free, strict=True)
        ]
    )
    found: dict[str, list[_Sizes]] = {kind.key: [] for kind in _KINDS}
    f1: dict[str, list[float]] = {kind.key: [] for kind in _KINDS}
    total = n_seeds * len(_KINDS)
    for seed in range(n_seeds):
        for place, kind in enumerate(_KINDS):
            done = seed * len(_KINDS) + place
            words = f"net {done + 1} of {total} ({kind.key})"
            sizes, score = asked.measure(kind, seed, Span(job, done / total, (done + 1) / total, words))
            found[kind.key].append(sizes)
            f1[kind.key].append(score)
    share = {kind: np.stack([shares(one.size_nk, layer_n) for one in found[kind]]) for kind in found}
    first_seed = int(bundle.provenance.get("seed", 0))
    return NodeImportance(
        nodes=tuple(name for layer in net.layers for name in layer),
        layer_n=layer_n,
        free_n=np.asarray(free_n, np.bool_),
        classes=tuple(bundle.classes),
        genes_n=np.asarray(parts["reach"], np.int64),
        paths_n=np.asarray(parts["paths"], np.int64),
        seeds=tuple(first_seed + seed for seed in range(n_seeds)),
        value_snk=np.stack([one.value_nk for one in found[REAL.key]]),
        share_snk=share[REAL.key],
        shuffled_snk=share[SHUFFLED.key],
        deterministic_snk=share[DETERMINISTIC.key],
        f1_kinds=cast("tuple[float, float, float]", tuple(float(np.mean(f1[kind.key])) for kind in _KINDS)),
        model=bundle.id,
        fingerprint=bundle.fingerprint,
        family=bundle.family,
        data=dataset.fingerprint,
    )


class _Sizes(NamedTuple):
    """Mean attribution over cells of each class and mean of its size, ``(n_nodes, n_classes)`` each."""

    value_nk: NDArray[np.float64]
    size_nk: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Asked:
    """Cells, folds and family, ready to train and ask one net after the other."""

    bundle: Bundle
    data: TrainingData
    fold_c: NDArray[np.int32]
    strata: NDArray[np.int64]
    device: str

    @classmethod
    def of(cls, dataset: Dataset, bundle: Bundle) -> _Asked:
        """Find the bundle's labels and folds again in the dataset."""
        from glasscell.data.labels import Labels
        from glasscell.models.device import resolve_device
        from glasscell.models.fit import permutation_strata
        from glasscell.models.fit_request import FitRequest
        from glasscell.models.registry import family
        from glasscell.models.training_data import training_data

        rows = bundle.rows(dataset, np.arange(dataset.n_cells))
        known = (rows >= 0) & bundle.cells.labelled[rows]
        codes = np.where(known, bundle.cells.truth[rows], -1).astype(np.int32)
        fold_c = np.where(known, bundle.cells.fold[rows], -1).astype(np.int32)
        labels = Labels(bundle.labels_name, codes, bundle.classes)
        request = FitRequest(labels, family=bundle.family, params=bundle.params)
        device = resolve_device("auto")
        data = training_data(dataset, request, family(bundle.family), device, labels=labels)
        return cls(bundle, data, fold_c, permutation_strata(dataset), device)

    def measure(self, kind: Kind, seed: int, job: JobHandle) -> tuple[_Sizes, float]:
        """Train one net (or take the bundle's) and return its nodes' sizes per class and its macro-F1."""
        fold = seed % len(self.bundle.folds)
        train, held = (
            np.flatnonzero((self.fold_c >= 0) & ((self.fold_c == fold) == away)) for away in (False, True)
        )
        data = self.data if kind is not DETERMINISTIC else self._deterministic(train, seed)
        net = self._net(kind, seed, fold, train, data, Span(job, 0.0, 0.9))
        rows = data.rows
        sizes = _importance(net, rows, self.data.codes, train, held, seed, Span(job, 0.9, 1.0))
        return sizes, _held_out_f1(net, rows, self.data.codes, held)

    def _deterministic(self, train: NDArray[np.int64], seed: int) -> TrainingData:
        mean_g, sd_g = self.data.rows.moments(train)
        profiles_kg = deterministic_profiles(mean_g, sd_g, len(self.data.classes), seed)
        return replace(self.data, rows=ProfileRows(profiles_kg, self.data.codes, self.device))

    def _net(
        self,
        kind: Kind,
        seed: int,
        fold: int,
        train: NDArray[np.int64],
        data: TrainingData,
        job: JobHandle,
    ) -> HasNodes:
        from glasscell.models.plan import permute_labels
        from glasscell.models.registry import family
        from glasscell.models.training_data import net_seed

        folds = self.bundle.folds
        if kind is REAL and seed < len(folds):
            return cast("HasNodes", folds[fold].to(device=self.device))
        if kind is SHUFFLED:
            codes = np.full(len(data.codes), -1, np.int32)
            codes[train], _ = permute_labels(data.codes[train], self.strata[train], seed)
            data = replace(data, codes=codes)
        first = int(self.bundle.provenance.get("seed", 0))
        own = net_seed(first + seed, 1000 * (1 + _KINDS.index(kind)))
        plan = FoldPlan(train, np.empty(0, np.int64), own, self.device, self.bundle.curves[fold].best_epoch)
        trains = cast("TrainsAlike", family(self.bundle.family))
        net = trains.train_like(folds[fold], data, plan, self.bundle.params, job)
        return cast("HasNodes", net.to(device=self.device))


def _importance(
    net: HasNodes,
    rows: Rows,
    codes: NDArray[np.int32],
    train: NDArray[np.int64],
    held: NDArray[np.int64],
    seed: int,
    job: JobHandle,
) -> _Sizes:
    """Average attributions, and their sizes, over held-out cells of each class; NaN without cells.

    Cells are compared with the mean training cell of the other classes, each class counting the same. All
    nets are asked about the same cells by their true classes, so that what the cells alone give is in the
    controls too.
    """
    classes = cast("Any", net).classes
    rng = np.random.default_rng([seed, 0x40DE])
    means_kg = {
        code: torch.from_numpy(rows.moments(train[codes[train] == code])[0])
        for code in range(len(classes))
        if (codes[train] == code).any()
    }
    n_nodes = sum(len(layer) for layer in net.layers)
    value_nk, size_nk = (np.full((n_nodes, len(classes)), np.nan) for _ in range(2))
    for code in range(len(classes)):
        job.report(code / len(classes))
        mine = held[codes[held] == code]
        others = [mean for other, mean in means_kg.items() if other != code]
        if not len(mine) or not others:
            continue
        cells = torch.from_numpy(np.sort(rng.permutation(mine)[:CELLS_PER_CLASS]))
        batch = CellBatch(rows.take(cells), cells)
        layers = node_attributions(net, batch, torch.stack(others).mean(dim=0), code)
        values_cn = torch.cat(layers, dim=1).double().cpu().numpy()
        value_nk[:, code], size_nk[:, code] = values_cn.mean(axis=0), np.abs(values_cn).mean(axis=0)
    return _Sizes(value_nk, size_nk)


@torch.no_grad()
def _held_out_f1(net: HasNodes, rows: Rows, codes: NDArray[np.int32], held: NDArray[np.int64]) -> float:
    said = []
    for start in range(0, len(held), _BLOCK):
        cells = torch.from_numpy(held[start : start + _BLOCK])
        logits_ck = net.logits_from(0, net.node_values(CellBatch(rows.take(cells), cells))[0])
        said.append(logits_ck.argmax(dim=1).cpu().numpy())
    return macro_f1(codes[held], np.concatenate(said))
