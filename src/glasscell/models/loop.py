"""The one training loop: progress, cancel, early stopping, seeds, a second try when memory runs out.

Lightning Fabric places the network and scales the loss; everything else is plain torch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from glasscell.errors import ModelError
from glasscell.models.bundle import Curve
from glasscell.models.layer import seed_noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle

Loss = Callable[[nn.Module, Tensor], Tensor]
_BETTER = 1e-4
_SMALLEST_BATCH = 8


@runtime_checkable
class AfterStep(Protocol):
    """A network whose weights are put right after each step of the optimiser: projected, or pruned."""

    def after_step(self, learning_rate: float) -> None:
        """Change its weights in place."""
        ...


@dataclass(frozen=True)
class LoopSettings:
    """How long and how fast to train.

    Parameters
    ----------
    max_epochs
        Passes over the training cells, at most.
    patience
        Stop after this many epochs without a better loss on the validation cells.
    epochs
        Train for exactly this many instead, without validation.
    slower
        When validation has stopped falling, go on from the best weights with a tenth of the step, this many
        times: while the step stays the same the last weights are partly those of chance.
    """

    max_epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    patience: int
    epochs: int | None = None
    slower: int = 0


@dataclass(frozen=True)
class LoopResult:
    """The trained network (evaluation mode), its curve, and sentences worth showing."""

    network: nn.Module
    curve: Curve
    notes: tuple[str, ...]


def fit_loop(
    network: nn.Module,
    loss: Loss,
    train: NDArray[np.int64],
    valid: NDArray[np.int64],
    settings: LoopSettings,
    *,
    seed: int,
    device: str,
    job: JobHandle,
) -> LoopResult:
    """Train a private network and return it with the weights of its best epoch.

    The same seed gives the same bits on the same machine, and the global random state is left as it was.

    Parameters
    ----------
    network
        Freshly made; it is copied, never changed.
    loss
        ``loss(network, indices) -> mean loss`` over those cells; called in training and in evaluation mode.
    train, valid
        Cells to learn from, and cells that decide when to stop (empty: train for ``settings.epochs``).
    device
        ``cpu``, ``cuda`` or ``mps``.
    job
        Told after every step; that is where a run is cancelled.

    Raises
    ------
    ModelError
        The loss is no longer finite, or memory runs out even with the smallest batch.
    JobCancelled
        Somebody asked for it.
    """
    notes: list[str] = []
    while True:
        try:
            with seeded(seed, device):
                run = _Run(deepcopy(network), loss, train, valid, settings, seed, device)
                return LoopResult(*run.all_epochs(job), notes=tuple(notes))
        except (RuntimeError, MemoryError) as error:
            if not _out_of_memory(error):
                raise
            half = settings.batch_size // 2
            if half < _SMALLEST_BATCH:
                raise ModelError(
                    "Memory ran out even with the smallest batch: use fewer genes, a smaller network or "
                    "another device."
                ) from error
            notes.append(f"Memory ran out with batches of {settings.batch_size} cells; trained with {half}.")
            settings = replace(settings, batch_size=half)
            if device == "cuda":
                torch.cuda.empty_cache()


@contextmanager
def seeded(seed: int, device: str) -> Iterator[None]:
    """Seed torch inside the block and put the global random state back afterwards, whatever happens."""
    cuda = [torch.cuda.current_device()] if device == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        torch.manual_seed(seed)
        yield


def _out_of_memory(error: Exception) -> bool:
    text = str(error).lower()
    return (
        isinstance(error, (MemoryError, torch.OutOfMemoryError))
        or "out of memory" in text
        or "can't allocate" in text
    )


class _Run:
    """One try at training: network, optimiser and the best weights so far."""

    def __init__(
        self,
        network: nn.Module,
        loss: Loss,
        train: NDArray[np.int64],
        valid: NDArray[np.int64],
        settings: LoopSettings,
        seed: int,
        device: str,
    ) -> None:
        from lightning.fabric import Fabric

        self.settings, self.loss = settings, loss
        self.train, self.valid = torch.from_numpy(train), torch.from_numpy(valid)
        self.order = torch.Generator().manual_seed(seed)
        self.fabric = Fabric(accelerator=device, devices=1)
        decayed = [weight for weight in network.parameters() if weight.ndim >= 2]
        plain = [weight for weight in network.parameters() if weight.ndim < 2]
        groups: list[dict[str, Any]] = [{"params": decayed}, {"params": plain, "weight_decay": 0.0}]
        optimiser = torch.optim.AdamW(
            groups, lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=device != "mps"
        )
        self.network, self.optimiser = self.fabric.setup(network, optimiser)
        seed_noise(self.network, seed, self.fabric.device)

    def all_epochs(self, job: JobHandle) -> tuple[nn.Module, Curve]:
        """Train until the validation loss has stopped falling, or for the epochs asked for."""
        settings = self.settings
        total = settings.epochs or settings.max_epochs
        train_loss: list[float] = []
        valid_loss: list[float] = []
        best: tuple[float, int, dict[str, Any]] = (np.inf, 0, {})
        stopped = "epochs given" if settings.epochs else "most epochs reached"
        since, slower = 0, settings.slower
        for epoch in range(total):
            train_loss.append(self._epoch(epoch, total, job, valid_loss))
            if settings.epochs:
                continue
            valid_loss.append(self._validate())
            if valid_loss[-1] < best[0] - _BETTER:
                best = (valid_loss[-1], epoch + 1, deepcopy(self.network.state_dict()))
                since = epoch + 1
            elif epoch + 1 - since >= settings.patience:
                if not slower:
                    stopped = "validation loss stopped falling"
                    break
                self._slow_down(best[2])
                since, slower = epoch + 1, slower - 1
        if best[2]:
            self.network.load_state_dict(best[2])
        self.network.eval()
        curve = Curve(tuple(train_loss), tuple(valid_loss), best[1] or total, stopped)
        return self.network.module, curve

    def _slow_down(self, weights: dict[str, Any]) -> None:
        """Go back to the best weights and take steps of a tenth."""
        self.network.load_state_dict(weights)
        for group in self.optimiser.param_groups:
            group["lr"] /= 10

    def _epoch(self, epoch: int, total: int, job: JobHandle, valid_loss: list[float]) -> float:
        """Pass once over the training cells; return the mean loss."""
        self.network.train()
        order = self.train[torch.randperm(len(self.train), generator=self.order)]
        batches = [
            part for part in torch.split(order, self.settings.batch_size) if len(part) >= _SMALLEST_BATCH
        ] or [order]
        losses, last, bare = [], time.monotonic(), self.network.module
        for number, indices in enumerate(batches):
            self.optimiser.zero_grad()
            loss = self.loss(self.network, indices)
            self.fabric.backward(loss)
            self.optimiser.step()
            if isinstance(bare, AfterStep):
                bare.after_step(self.optimiser.param_groups[0]["lr"])
            losses.append(loss.detach())
            now = time.monotonic()
            if now - last > 0.05 or number == len(batches) - 1:
                last = now
                shown = {"train_loss": float(losses[-1])}
                if valid_loss:
                    shown["valid_loss"] = valid_loss[-1]
                fraction = (epoch + (number + 1) / len(batches)) / total
                job.report(fraction, f"epoch {epoch + 1} of at most {total}", **shown)
        mean = float(torch.stack(losses).mean())
        if not np.isfinite(mean):
            raise ModelError("Training diverged (the loss is no longer a number): lower the learning rate.")
        return mean

    @torch.no_grad()
    def _validate(self) -> float:
        self.network.eval()
        parts = torch.split(self.valid, 4096)
        losses = [float(self.loss(self.network, part)) * len(part) for part in parts]
        return sum(losses) / len(self.valid)
