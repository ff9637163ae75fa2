"""The training loop: it learns, stops early, is cancelled at once, repeats itself, survives a full memory."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from glasscell.errors import JobCancelled, ModelError
from glasscell.jobs import QUIET
from glasscell.models.layer import Dropout, seed_weights
from glasscell.models.loop import LoopResult, LoopSettings, fit_loop

GENERATOR = torch.Generator().manual_seed(0)
X = torch.randn(300, 5, generator=GENERATOR)
Y = X @ torch.tensor([1.0, -2.0, 0.5, 0.0, 3.0])
TRAIN, VALID = np.arange(200), np.arange(200, 300)
SETTINGS = LoopSettings(60, 32, 1e-2, 0.0, 5)


def squared(network: nn.Module, indices: Tensor) -> Tensor:
    loss: Tensor = (network(X[indices])[:, 0] - Y[indices]).pow(2).mean()
    return loss


def fresh() -> nn.Module:
    with torch.random.fork_rng():
        net = nn.Sequential(Dropout(0.1), nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1))
    seed_weights(net, 0)
    return net


def run(
    settings: LoopSettings = SETTINGS, valid: np.ndarray = VALID, seed: int = 1, **more: object
) -> LoopResult:
    options = {"loss": squared, "job": QUIET, **more}
    return fit_loop(fresh(), train=TRAIN, valid=valid, settings=settings, seed=seed, device="cpu", **options)  # type: ignore[arg-type]


def test_it_learns_and_leaves_the_network_in_evaluation_mode() -> None:
    result = run()
    assert result.curve.valid_loss[result.curve.best_epoch - 1] < 0.3 * result.curve.valid_loss[0]
    assert not result.network.training
    with torch.no_grad():
        last = float(squared(result.network, torch.from_numpy(VALID)))
    assert last == pytest.approx(min(result.curve.valid_loss), rel=1e-5)


def test_it_stops_when_validation_no_longer_improves() -> None:
    noise = torch.randn(300, generator=torch.Generator().manual_seed(3))

    def hopeless(network: nn.Module, indices: Tensor) -> Tensor:
        loss: Tensor = (network(X[indices])[:, 0] - noise[indices]).pow(2).mean()
        return loss

    curve = run(LoopSettings(200, 32, 3e-2, 0.0, 3), loss=hopeless).curve
    assert len(curve.train_loss) < 200
    assert len(curve.valid_loss) == curve.best_epoch + 3
    assert curve.stopped == "validation loss stopped falling"


def test_slower_endings_find_what_large_steps_jump_over() -> None:
    """With the step as it is the weights jump about the best ones; a tenth of it comes closer."""
    steps = LoopSettings(300, 32, 0.3, 0.0, 4)
    bare, slower = (run(LoopSettings(300, 32, 0.3, 0.0, 4, slower=n), loss=linear) for n in (0, 2))
    assert min(slower.curve.valid_loss) < 0.2 * min(bare.curve.valid_loss)
    assert slower.curve.valid_loss[: len(bare.curve.valid_loss)] == bare.curve.valid_loss
    assert len(slower.curve.valid_loss) >= len(bare.curve.valid_loss) + 2 * steps.patience
    assert slower.curve.stopped == "validation loss stopped falling"


def linear(network: nn.Module, indices: Tensor) -> Tensor:
    weight = next(one for one in network.parameters() if one.ndim == 2)
    loss: Tensor = ((X[indices] @ weight[0]) - Y[indices]).abs().mean()
    return loss


def test_exact_epochs_need_no_validation() -> None:
    curve = run(LoopSettings(60, 32, 1e-2, 0.0, 5, epochs=7), valid=np.empty(0, np.int64)).curve
    assert (len(curve.train_loss), curve.valid_loss, curve.best_epoch) == (7, (), 7)


def test_same_seed_same_bits_and_the_global_random_state_stays() -> None:
    state = torch.random.get_rng_state()
    first = run().network.state_dict()
    torch.randn(17)
    torch.random.set_rng_state(state)
    second = run().network.state_dict()
    assert torch.equal(state, torch.random.get_rng_state())
    assert all(torch.equal(first[name], second[name]) for name in first)
    other = run(seed=2).network.state_dict()
    assert not all(torch.equal(first[name], other[name]) for name in first)


class Stopper:
    """A job that is cancelled at its n-th report and notes how often it is told."""

    def __init__(self, after: int) -> None:
        self.after, self.reports = after, []

    def report(self, fraction: float | None, text: str = "", **metrics: float) -> None:
        self.reports.append((fraction, text, metrics))
        if len(self.reports) >= self.after:
            raise JobCancelled("stopped")


def test_cancel_stops_within_a_step_and_restores_random_state() -> None:
    state = torch.random.get_rng_state()
    job = Stopper(3)
    with pytest.raises(JobCancelled):
        run(job=job)
    assert len(job.reports) == 3
    assert torch.equal(state, torch.random.get_rng_state())


def test_reports_carry_rising_fractions_and_losses() -> None:
    job = Stopper(10**6)
    run(job=job)
    fractions = [fraction for fraction, _, _ in job.reports]
    assert fractions == sorted(fractions)
    assert 0 < fractions[0] <= fractions[-1] <= 1
    assert {"train_loss", "valid_loss"} <= set(job.reports[-1][2])
    assert "epoch" in job.reports[-1][1]


def test_slow_steps_report_every_step() -> None:
    def slow(network: nn.Module, indices: Tensor) -> Tensor:
        until = time.monotonic() + 0.06
        while time.monotonic() < until:
            pass
        return squared(network, indices)

    job = Stopper(10**6)
    run(LoopSettings(1, 64, 1e-2, 0.0, 5, epochs=1), valid=np.empty(0, np.int64), loss=slow, job=job)
    assert len(job.reports) >= 4


def test_memory_shortage_halves_the_batch_and_says_so() -> None:
    def greedy(network: nn.Module, indices: Tensor) -> Tensor:
        if network.training and len(indices) > 10:
            raise torch.OutOfMemoryError("out of memory")
        return squared(network, indices)

    result = run(loss=greedy)
    assert result.notes == (
        "Memory ran out with batches of 32 cells; trained with 16.",
        "Memory ran out with batches of 16 cells; trained with 8.",
    )


def test_memory_shortage_with_the_smallest_batch_is_an_error() -> None:
    def greedy(network: nn.Module, indices: Tensor) -> Tensor:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes")

    with pytest.raises(ModelError, match="smallest batch"):
        run(loss=greedy)


def test_other_errors_pass_through() -> None:
    def broken(network: nn.Module, indices: Tensor) -> Tensor:
        raise RuntimeError("shape mismatch")

    with pytest.raises(RuntimeError, match="shape"):
        run(loss=broken)


def test_divergence_is_told() -> None:
    def diverging(network: nn.Module, indices: Tensor) -> Tensor:
        return squared(network, indices) * float("nan")

    with pytest.raises(ModelError, match="learning rate"):
        run(loss=diverging)
