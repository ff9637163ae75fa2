"""One fold: hidden genes are guessed in all cells that are not held out, then the labels are learnt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from glasscell.models.baseline import N_COMPONENTS, principal_axes
from glasscell.models.bundle import Curve
from glasscell.models.classifier.network import class_weights
from glasscell.models.gene_transformer.choice import saved_start, shared_tokens, variable_genes
from glasscell.models.gene_transformer.head import first_head
from glasscell.models.gene_transformer.hide import Teacher
from glasscell.models.gene_transformer.network import GeneNetwork, seed_network
from glasscell.models.gene_transformer.start import start_at_components
from glasscell.models.loop import LoopResult, LoopSettings, fit_loop
from glasscell.models.span import Span
from glasscell.models.temperature import best_temperature

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle
    from glasscell.models.family import FoldPlan, TrainingData
    from glasscell.models.gene_transformer.model import GeneTransformerModel
    from glasscell.models.gene_transformer.params import GeneTransformerParams
    from glasscell.models.row import Rows

_MIN_SPREAD = 1e-2
_BLOCK = 256
_STEPS = 8
_SMALLEST_BATCH = 16
_ASIDE, _LEAST_ASIDE = 0.05, 20


def make_network(
    params: GeneTransformerParams, n_tokens: int, n_genes: int, n_classes: int, seed: int = 0
) -> GeneNetwork:
    """Make a network with seeded weights, without drawing from the global random state."""
    with torch.random.fork_rng(devices=[]):
        network = GeneNetwork(
            n_tokens,
            n_genes,
            n_classes,
            width=params.width,
            depth=params.depth,
            heads=params.heads,
            dropout=params.dropout,
        )
    seed_network(network, seed)
    return network


class Task:
    """Data, losses and calibration of one fold.

    Parameters
    ----------
    data, plan, params
        As a family gets them. Cells of a class that are neither trained on nor validated on are held out, as
        are those that the plan sets apart, labelled or not: of them, without their labels, only the choice
        of the genes that are tokens knows. All other cells without a label are learnt from.
    taught
        Rows in which hidden genes are guessed, where these are others than ``data.rows``.
    """

    def __init__(
        self,
        data: TrainingData,
        plan: FoldPlan,
        params: GeneTransformerParams,
        taught: Rows | None = None,
    ) -> None:
        self.data, self.plan, self.params = data, plan, params
        self.taught = data.rows if taught is None else taught
        device = torch.device(plan.device)
        self.codes = torch.from_numpy(data.codes.astype(np.int64)).to(device)
        train = torch.from_numpy(plan.train).to(device)
        weight_k = class_weights(self.codes[train].cpu(), len(data.classes), params.class_weight)
        self.weight_k = weight_k.to(device)
        unlabelled = np.flatnonzero(data.codes < 0)
        if plan.apart is not None:
            unlabelled = np.setdiff1d(unlabelled, plan.apart)
        self.seen = np.union1d(np.union1d(plan.train, plan.valid), unlabelled).astype(np.int64)
        self.notes: list[str] = []

    def run(self, job: JobHandle) -> tuple[GeneNetwork, Curve]:
        """Choose tokens, guess hidden genes, learn labels; return the network on the processor."""
        job.report(0.0, "choosing genes")
        network, table_cg = self._fresh(saved_start(self.params, self.data.cell_names)), self.taught.table_cg
        own = network.tokens.place.numpy()
        if not self.params.start_from:
            found = start_at_components(network, table_cg[:, own].tocsr(), self.seen, self.plan.seed)
            self.notes.append(
                f"{len(own)} genes are tokens; {found} components of them are beyond chance, and training "
                "begins with those."
            )
        network = self._guess(network, Span(job, 0.0, 0.6, "without labels"))
        self._first_head(network, Span(job, 0.6, 0.62))
        return self._learn(network, Span(job, 0.62, 1.0, "with labels"))

    def _fresh(self, saved: GeneTransformerModel | None) -> GeneNetwork:
        data, params, table_cg = self.data, self.params, self.data.rows.table_cg
        counts = data.preprocessing.kind != "stored"
        sizes = len(data.genes), len(data.classes)
        if saved is not None:
            kept, column = shared_tokens(saved.tokens, data.genes)
            self.notes.append(
                f"Training began with a saved gene transformer: {len(kept)} of its {len(saved.tokens)} genes "
                "are measured here and are the tokens."
            )
            network = make_network(params, len(kept), *sizes, self.plan.seed)
            take_over(network, saved.network, kept, column)
            return network
        place = variable_genes(table_cg, params.n_tokens, counts=counts)
        network = make_network(params, len(place), *sizes, self.plan.seed)
        mean_g, sd_g = data.rows.moments(self.seen)
        sd_t = np.maximum(sd_g[place], _MIN_SPREAD)
        tokens = network.tokens
        tokens.place.copy_(torch.from_numpy(place))
        tokens.mean.copy_(torch.from_numpy(mean_g[place]))
        # halfway between one unit for all genes and a unit of each: rare genes neither vanish nor shout
        tokens.spread.copy_(torch.from_numpy(np.sqrt(sd_t * np.sqrt(np.mean(sd_t**2)))))
        tokens.counts.fill_(float(counts))
        return network

    def _guess(self, network: GeneNetwork, job: JobHandle) -> GeneNetwork:
        """Train on hidden genes of all cells that are not held out; no label is looked at."""
        params, plan = self.params, self.plan
        if params.pretrain_epochs < 1:
            return network
        order = np.random.default_rng([plan.seed, 0x41D]).permutation(self.seen)
        n_aside = max(_LEAST_ASIDE, int(_ASIDE * len(order)))
        aside, learnt = np.sort(order[:n_aside]), np.sort(order[n_aside:])
        before = self._error(network, aside)
        settings = self._settings(params.pretrain_epochs, params.pretrain_rate, len(learnt), None)
        result = self._fit(network, self.hidden_loss, learnt, aside, settings, job)
        self.notes.append(
            f"Without labels {len(learnt):,} cells were learnt from in {result.curve.best_epoch} epochs: the "
            f"error of hidden genes in {len(aside)} other cells fell from {before:.3f} to "
            f"{min(result.curve.valid_loss):.3f} (mean square in the genes' own units)."
        )
        return _bare(result)

    def _first_head(self, network: GeneNetwork, job: JobHandle) -> None:
        """Set the head, and what is read of all genes, to logistic regression that suits the cells aside."""
        plan, codes = self.plan, self.data.codes
        axes_gp = self._read_all(network, job)
        shift_p = network.usual.double().numpy() @ axes_gp

        def features(cells: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
            read_cp = np.asarray(self.data.rows.table_cg[cells] @ axes_gp - shift_p)
            return self._latents(network, cells), read_cp, codes[cells]

        aside = features(plan.valid) if len(plan.valid) else None
        found = first_head(features(plan.train), aside, len(self.data.classes), job)
        with torch.no_grad():
            network.head.weight.copy_(torch.from_numpy(found.weight_zk.T))
            network.head.bias.copy_(torch.from_numpy(found.bias_k))
            network.readout.copy_(torch.from_numpy((axes_gp @ found.read_pk).T))
        self.notes.append(
            "All genes are read linearly beside the tokens."
            if found.read_pk.any()
            else "Only genes that are tokens are read."
        )

    def _read_all(self, network: GeneNetwork, job: JobHandle) -> NDArray[np.float64]:
        """Return the components along which all genes may be read, ``(n_genes, n_components)``."""
        if not self.params.all_genes:
            return np.zeros((len(self.data.genes), 0))
        mean_g, axes_gp = principal_axes(
            self.taught.table_cg[self.seen], N_COMPONENTS, seed=self.plan.seed, job=job
        )
        network.usual.copy_(torch.from_numpy(mean_g))
        return np.asarray(axes_gp, np.float64)

    def _learn(self, network: GeneNetwork, job: JobHandle) -> tuple[GeneNetwork, Curve]:
        """Train everything on labels; the network before stays where that is no better."""
        params, plan = self.params, self.plan
        settings = self._settings(params.max_epochs, params.learning_rate, len(plan.train), plan.epochs)
        before = self._validation(network) if len(plan.valid) else np.inf
        result = self._fit(network, self.label_loss, plan.train, plan.valid, settings, job)
        if len(plan.valid) and before <= min(result.curve.valid_loss):
            self.notes.append(
                "Learning labels in all weights was no better than in the last layer alone: the rest stayed."
            )
            return network, Curve(result.curve.train_loss, result.curve.valid_loss, 1, "first head kept")
        return _bare(result), result.curve

    def hidden_loss(self, network: nn.Module, indices: Tensor) -> Tensor:
        """Return the error of hidden genes."""
        error: Tensor = network(self.taught.take(indices))[1]
        return error

    def label_loss(self, network: nn.Module, indices: Tensor) -> Tensor:
        """Return the class-weighted cross-entropy; in training, of cells some of whose genes are hidden."""
        truth = self.codes[indices.to(self.codes.device)]
        x_cg = self.data.rows.take(indices)
        if not network.training:
            logits = network(x_cg, True)[0]
            return functional.cross_entropy(logits, truth, weight=self.weight_k)
        logits, error = network(x_cg)
        loss: Tensor = functional.cross_entropy(logits, truth, weight=self.weight_k)
        return loss + self.params.keep_guessing * error  # type: ignore[no-any-return]

    def _fit(
        self,
        network: GeneNetwork,
        loss: object,
        train: NDArray[np.int64],
        valid: NDArray[np.int64],
        settings: LoopSettings,
        job: JobHandle,
    ) -> LoopResult:
        plan = self.plan
        teacher = self._teacher(network)
        result = fit_loop(
            teacher,
            loss,  # type: ignore[arg-type]
            train,
            valid,
            settings,
            seed=plan.seed,
            device=plan.device,
            job=job,
        )
        self.notes += [note for note in result.notes if note not in self.notes]
        return result

    def _teacher(self, network: GeneNetwork) -> Teacher:
        params = self.params
        return Teacher(network, params.hidden_share, params.most_asked, params.most_shown)

    def _settings(self, most: int, rate: float, n_cells: int, epochs: int | None) -> LoopSettings:
        params = self.params
        batch = min(params.batch_size, max(_SMALLEST_BATCH, n_cells // _STEPS))
        return LoopSettings(most, batch, rate, params.weight_decay, params.patience, epochs)

    @torch.no_grad()
    def _error(self, network: GeneNetwork, cells: NDArray[np.int64]) -> float:
        return float(self._teacher(network).eval()(self.taught.take(torch.from_numpy(cells)).cpu())[1])

    @torch.no_grad()
    def _latents(self, network: GeneNetwork, cells: NDArray[np.int64]) -> NDArray[np.float64]:
        parts = torch.split(torch.from_numpy(cells), _BLOCK)
        found = [network.latent(self.data.rows.take(part).cpu()) for part in parts]
        return np.asarray(torch.cat(found).double().numpy())

    @torch.no_grad()
    def _validation(self, network: GeneNetwork) -> float:
        logits_ck, truth = self._valid_logits(network)
        return float(functional.cross_entropy(logits_ck, truth, weight=self.weight_k.cpu()))

    def temperature(self, network: GeneNetwork) -> float:
        """Find the temperature on cells that were not trained on; 1 where there are none."""
        return best_temperature(*self._valid_logits(network)) if len(self.plan.valid) else 1.0

    @torch.no_grad()
    def _valid_logits(self, network: GeneNetwork) -> tuple[Tensor, Tensor]:
        valid = torch.from_numpy(self.plan.valid)
        parts = [network(self.data.rows.take(part).cpu()) for part in torch.split(valid, _BLOCK)]
        return torch.cat(parts), self.codes.cpu()[valid]


@torch.no_grad()
def take_over(
    network: GeneNetwork, saved: GeneNetwork, kept: NDArray[np.int64], column: NDArray[np.int64]
) -> None:
    """Copy the weights of a saved network for the tokens that are kept; the head is another's and stays."""
    ours, rows = network.state_dict(), torch.from_numpy(kept)
    by_token = {"tokens.name", "tokens.value", "tokens.mean", "tokens.spread"}
    by_token |= {"from_cell.weight", "from_cell.bias"}
    for name, theirs in saved.state_dict().items():
        if not name.startswith("head.") and name not in ("tokens.place", "readout", "usual"):
            ours[name].copy_(theirs[rows] if name in by_token else theirs)
    network.tokens.place.copy_(torch.from_numpy(column))


def _bare(result: LoopResult) -> GeneNetwork:
    assert isinstance(result.network, Teacher)
    network = result.network.network
    network.cpu().eval()
    return network
