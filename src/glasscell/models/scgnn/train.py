"""Training of ``scgnn``: features, graph, clusters, their autoencoders, and again until it stands still."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn

from glasscell.models.loop import LoopResult, LoopSettings, fit_loop
from glasscell.models.scgnn.cluster import discriminant, find_clusters, number_of_clusters
from glasscell.models.scgnn.cluster_autoencoder import Reassembled, fit_clusters
from glasscell.models.scgnn.graph import CellGraph, changed_share, find_graph, smoothed
from glasscell.models.scgnn.graph_autoencoder import GraphAutoencoder, fit_graph_autoencoder, graph_embedding
from glasscell.models.scgnn.network import FeatureNetwork
from glasscell.models.scgnn.task import CountTarget, ImputationTarget
from glasscell.models.span import Span

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Curve
    from glasscell.models.family import FoldPlan, TrainingData
    from glasscell.models.mixture import TiedMixture
    from glasscell.models.scgnn.params import ScgnnParams
    from glasscell.models.vae.layer import Decoder

#: The graph stands still when clusters agree so well, or so few of its edges change.
SAME_CLUSTERS, SAME_EDGES = 0.99, 0.01
_STEPS, _SMALLEST_BATCH, _BLOCK = 8, 16, 4096


@dataclass(frozen=True, eq=False)
class Round:
    """The graph of one round and what was found in it; rows are the training cells'.

    Parameters
    ----------
    latent_cz, graph
        Latents of the feature autoencoder and the pruned graph among them.
    autoencoder, mixture
        The graph autoencoder and the clusters of its embedding.
    cluster_c
        Cluster of each cell.
    agreement, changed
        Adjusted Rand index with the clusters of the round before, and share of edges that changed since; 0
        and 1 in the first round.
    """

    latent_cz: NDArray[np.float32]
    graph: CellGraph
    autoencoder: GraphAutoencoder
    mixture: TiedMixture
    cluster_c: NDArray[np.int32]
    agreement: float
    changed: float

    @property
    def still(self) -> bool:
        """Whether nothing much has changed since the round before."""
        return self.agreement > SAME_CLUSTERS or self.changed < SAME_EDGES


@dataclass(frozen=True, eq=False)
class Trained:
    """The feature autoencoder, the imputing decoder, all that belongs to cells, and the curve."""

    feature: FeatureNetwork
    imputer: Decoder
    weight_kz: NDArray[np.float64]
    offset_k: NDArray[np.float64]
    per_cell: dict[str, Tensor]
    curve: Curve
    notes: tuple[str, ...]


class Pipeline:
    """One training run. Only training cells are learnt from; the last step joins all cells to the graph."""

    def __init__(self, data: TrainingData, plan: FoldPlan, params: ScgnnParams) -> None:
        self.data, self.plan, self.params = data, plan, params
        self.cells = plan.train
        self.batch_size = min(params.batch_size, max(_SMALLEST_BATCH, len(plan.train) // _STEPS))

    def run(self, fresh: FeatureNetwork, job: JobHandle) -> Trained:
        """Train everything, from a freshly made feature autoencoder."""
        first = self._first(fresh, Span(job, 0.0, 0.4, "features"))
        feature = first.network
        rounds: list[Round] = []
        width = 0.4 / self.params.rounds
        for number in range(self.params.rounds):
            at = 0.4 + width * number
            part = Span(job, at, at + 0.2 * width, f"round {number + 1}")
            rounds.append(self._round(feature, number, rounds[-1] if rounds else None, part))
            if rounds[-1].still or number + 1 == self.params.rounds:
                break
            taught = self._clusters(feature, rounds[-1], Span(job, at + 0.2 * width, at + 0.6 * width))
            feature = self._again(feature, taught, number, Span(job, at + 0.6 * width, at + width))
        assert isinstance(feature, FeatureNetwork)
        imputer = self._impute(feature, rounds[-1], Span(job, 0.8, 0.95, "imputation"))
        return self._join(feature, imputer, rounds, first, Span(job, 0.95, 1.0, "joining all cells"))

    def _settings(self, rate: float, epochs: int, patience: int, given: int | None) -> LoopSettings:
        return LoopSettings(
            max_epochs=epochs,
            batch_size=self.batch_size,
            learning_rate=rate,
            weight_decay=self.params.weight_decay,
            patience=patience,
            epochs=given,
        )

    def _fit(
        self,
        network: nn.Module,
        target: CountTarget | ImputationTarget,
        settings: LoopSettings,
        salt: int,
        job: JobHandle,
    ) -> LoopResult:
        plan = self.plan
        return fit_loop(
            network,
            target.loss,
            plan.train,
            plan.valid,
            settings,
            seed=plan.seed + salt,
            device=plan.device,
            job=job,
        )

    def _first(self, fresh: FeatureNetwork, job: JobHandle) -> LoopResult:
        params, plan = self.params, self.plan
        warm_up = params.warm_up * max(1, len(plan.train) // self.batch_size)
        target = CountTarget(self.data, params.kl_weight, warm_up_steps=warm_up)
        settings = self._settings(params.learning_rate, params.max_epochs, params.patience, plan.epochs)
        return self._fit(fresh, target, settings, 0, job)

    def _round(self, feature: nn.Module, number: int, before: Round | None, job: JobHandle) -> Round:
        """Find the graph among latents, prune it, embed it and divide the embedding into clusters."""
        from sklearn.metrics import adjusted_rand_score

        params, seed = self.params, self.plan.seed + 101 * (number + 1)
        latent_cz = encoded(feature, self.data, self.cells, Span(job, 0.0, 0.1))
        graph = find_graph(latent_cz, params.k, params.prune, job=Span(job, 0.1, 0.2))
        adjacency = graph.adjacency()
        autoencoder = fit_graph_autoencoder(
            latent_cz,
            adjacency,
            hidden=params.graph_hidden,
            n_latent=params.graph_latent,
            epochs=params.graph_epochs,
            seed=seed,
            job=Span(job, 0.2, 0.8),
        )
        embedding_cz = graph_embedding(autoencoder, latent_cz, adjacency)
        n_clusters = params.n_clusters or number_of_clusters(adjacency, params.resolution, self.plan.seed)
        mixture = find_clusters(embedding_cz, n_clusters, seed, params.starts, Span(job, 0.8, 1.0))
        cluster_c = mixture.assign(embedding_cz)
        if before is None:
            agreement, changed = 0.0, 1.0
        else:
            agreement = float(adjusted_rand_score(before.cluster_c, cluster_c))
            changed = changed_share(before.graph, graph)
        return Round(latent_cz, graph, autoencoder, mixture, cluster_c, agreement, changed)

    def _clusters(self, feature: nn.Module, found: Round, job: JobHandle) -> Reassembled:
        assert isinstance(feature, FeatureNetwork)
        return fit_clusters(
            feature,
            self.data,
            self.cells,
            found.cluster_c,
            self.params,
            seed=self.plan.seed + 1009,
            device=self.plan.device,
            job=job,
        )

    def _again(self, feature: nn.Module, taught: Reassembled, number: int, job: JobHandle) -> nn.Module:
        """Train the feature autoencoder on, beside its counts on what the clusters' autoencoders say."""
        params = self.params
        target = CountTarget(self.data, params.kl_weight, taught=taught, teach=params.teach)
        given = None if len(self.plan.valid) else params.refine_epochs
        settings = self._settings(params.learning_rate / 4, params.refine_epochs, params.patience, given)
        return self._fit(feature, target, settings, number + 1, job).network

    def _impute(self, feature: FeatureNetwork, found: Round, job: JobHandle) -> Decoder:
        """Train the imputing decoder on latents smoothed over the graph of training cells."""
        params, data, plan = self.params, self.data, self.plan
        n_cells = len(data.rows)
        latent_cz = np.zeros((n_cells, params.n_latent), np.float32)
        latent_cz[self.cells] = smoothed(found.latent_cz, found.graph, found.latent_cz, params.own)
        if len(plan.valid):
            own_cz = encoded(feature, data, plan.valid, job)
            absent = np.full(len(own_cz), -1)
            near = find_graph(own_cz, params.k, params.prune, among_cz=found.latent_cz, own_c=absent)
            latent_cz[plan.valid] = smoothed(own_cz, near, found.latent_cz, params.own)
        cluster_c = np.full(n_cells, -1, np.int32)
        cluster_c[self.cells] = found.cluster_c
        target = ImputationTarget(
            data,
            latent_cz,
            _spread(found.graph, self.cells, n_cells),
            cluster_c,
            params.near_weight,
            params.cluster_weight,
        )
        given = None if len(plan.valid) else params.refine_epochs
        settings = self._settings(params.learning_rate / 4, params.refine_epochs, params.patience, given)
        decoder = self._fit(feature.decoder, target, settings, 777, job).network
        return decoder  # type: ignore[return-value]

    def _join(
        self,
        feature: FeatureNetwork,
        imputer: Decoder,
        rounds: list[Round],
        first: LoopResult,
        job: JobHandle,
    ) -> Trained:
        """Place all cells, those held out too, in the graph and its clusters; no weight changes by it."""
        params, last = self.params, rounds[-1]
        latent_cz = encoded(feature, self.data, np.arange(len(self.data.rows)), Span(job, 0.0, 0.5))
        graph = find_graph(latent_cz, params.k, params.prune, job=Span(job, 0.5, 1.0))
        embedding_cz = graph_embedding(last.autoencoder, latent_cz, graph.adjacency())
        cluster_c = last.mixture.assign(embedding_cz)
        n_clusters = len(last.mixture.mean_kz)
        weight_kz, offset_k = discriminant(latent_cz[self.cells], cluster_c[self.cells], n_clusters)
        flow = np.full((len(rounds), len(latent_cz)), -1, np.int32)
        for number, one in enumerate(rounds):
            flow[number, self.cells] = one.cluster_c
        per_cell = {
            "cell_latent": latent_cz,
            "neighbour": graph.neighbour_ck,
            "distance": graph.distance_ck,
            "kept": graph.kept_ck,
            "cluster": cluster_c,
            "graph_latent": embedding_cz,
            "flow": flow,
            "rounds": np.asarray([[one.agreement, one.changed] for one in rounds], np.float32),
        }
        said_c = (latent_cz @ weight_kz.T + offset_k).argmax(axis=1)
        notes = (*first.notes, *_words(rounds, graph, n_clusters, float(np.mean(said_c == cluster_c))))
        tensors = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in per_cell.items()}
        return Trained(feature.cpu(), imputer.cpu(), weight_kz, offset_k, tensors, first.curve, notes)


@torch.no_grad()
def encoded(
    network: nn.Module, data: TrainingData, cells: NDArray[np.int64], job: JobHandle
) -> NDArray[np.float32]:
    """Return latent means of some cells, ``(len(cells), n_latent)``."""
    assert isinstance(network, FeatureNetwork)
    network = network.to(data.rows.device).eval()
    parts = []
    for start in range(0, len(cells), _BLOCK):
        job.report(start / len(cells), "encoding")
        rows = torch.from_numpy(cells[start : start + _BLOCK])
        parts.append(network.encoder(data.rows.take(rows), None)[0].cpu())
    return np.asarray(torch.cat(parts).numpy(), np.float32)


def _spread(graph: CellGraph, cells: NDArray[np.int64], n_cells: int) -> sparse.csr_matrix:
    """Return the mean over kept neighbours with rows and columns of all cells, ``(n_cells, n_cells)``."""
    small = graph.averaging(len(cells)).tocoo()
    return sparse.csr_matrix((small.data, (cells[small.row], cells[small.col])), (n_cells, n_cells))


def _words(rounds: list[Round], graph: CellGraph, n_clusters: int, agreeing: float) -> tuple[str, ...]:
    last, n = rounds[-1], len(rounds)
    cut = 1 - float(graph.kept_ck.mean())
    rest = (
        f"it stood still after {n} rounds"
        if last.still
        else f"it was stopped after {n} round{'s' if n > 1 else ''} while still moving"
    )
    moved = (
        ""
        if n == 1
        else f" (clusters agree with the round before at {last.agreement:.2f}, "
        f"{last.changed:.0%} of edges differ)"
    )
    return (
        f"{n_clusters} clusters in a cell graph of {graph.kept_ck.sum():,} edges, {cut:.0%} cut as outlying; "
        f"{rest}{moved}.",
        f"Its own latents alone put {agreeing:.0%} of the cells into their cluster.",
    )
