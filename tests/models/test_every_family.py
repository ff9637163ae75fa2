"""One table: every family trains, cancels, saves, loads and scores bit-equal. A new family stands in it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from tests.scvi_warnings import SCVI_WARNINGS

from glasscell.data.dataset import Dataset
from glasscell.errors import JobCancelled, NotCompatible
from glasscell.jobs import QuietJob
from glasscell.models import loop
from glasscell.models import network as own_networks
from glasscell.models.batch import make_batch
from glasscell.models.bundle import Bundle
from glasscell.models.bundle_file import load_bundle, save_bundle
from glasscell.models.capability.attention import Attends
from glasscell.models.capability.classification import Classifies
from glasscell.models.capability.domain import FindsDomains
from glasscell.models.capability.latent import Decodes, Encodes
from glasscell.models.capability.model import Model
from glasscell.models.fit import fit
from glasscell.models.fit_request import FitRequest
from glasscell.models.registry import BUILT_IN, family
from glasscell.models.target import Target
from glasscell.testing.check import check_model
from glasscell.testing.toy_family import OWN_NETWORK, RECIPES, toy_own_network, toy_request

pytestmark = SCVI_WARNINGS
#: Families that have no twin to tell what the data alone would give; each says why.
WITHOUT_TWIN = ("drvi", "linear_scvi", "multivi", "scvi", "scviva", "totalvi", "velovi")
#: A clock by which a slow machine reports no more often than a fast one.
STOPPED = SimpleNamespace(monotonic=lambda: 0.0)
every_family = pytest.mark.parametrize("key", list(BUILT_IN))
Train = Callable[[str], Bundle]


class Counting(QuietJob):
    """A job that counts its reports and is cancelled at one of them."""

    def __init__(self, last: int | None = None) -> None:
        self.count, self.last = 0, last

    def report(self, fraction: float | None, text: str = "", **metrics: float) -> None:
        self.count += 1
        if self.last is not None and self.count > self.last:
            raise JobCancelled("stopped")


@dataclass(frozen=True)
class Rerun:
    """The same run again: what came out, how often it reported, and the random states round it."""

    bundle: Bundle
    reports: int
    before: tuple[Any, ...]
    after: tuple[Any, ...]


@pytest.fixture(scope="module")
def dataset(toy_dataset_once: Dataset) -> Dataset:
    return toy_dataset_once


@pytest.fixture(scope="module")
def train(toy_train: Train) -> Train:
    return toy_train


@pytest.fixture(scope="module")
def ask(toy_ask: Callable[[str], FitRequest]) -> Callable[[str], FitRequest]:
    return toy_ask


@pytest.fixture(scope="module")
def rerun(dataset: Dataset, ask: Callable[[str], FitRequest]) -> Callable[[str], Rerun]:
    made: dict[str, Rerun] = {}

    def run(key: str) -> Rerun:
        if key not in made:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(loop, "time", STOPPED)
                job, before = Counting(), states()
                bundle = fit(dataset, ask(key), job)
                made[key] = Rerun(bundle, job.count, before, states())
        return made[key]

    return run


@pytest.fixture(scope="module", autouse=True)
def _own_network() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_networks, "_REGISTERED", {OWN_NETWORK: toy_own_network})
        yield


def states() -> tuple[Any, ...]:
    legacy = np.random.get_state()  # noqa: NPY002 - old code may still draw from it
    return torch.get_rng_state().numpy().tobytes(), legacy[1].tobytes(), legacy[2], random.getstate()


def one_of_each(net: Model) -> list[Target]:
    """Return the last target of each kind, contrasts against the first class."""
    last = {target.kind: target for target in net.targets()}
    first = net.targets()[0].name
    return [Target(t.kind, t.name, first if t.kind == "contrast" else None) for t in last.values()]


@torch.no_grad()
def answers(net: Any, dataset: Dataset) -> dict[str, torch.Tensor]:
    """Return everything a net says of some cells."""
    batch = make_batch(dataset, net, np.arange(0, dataset.n_cells, 7))
    found = {str(target): net.score(batch, target) for target in one_of_each(net)}
    if isinstance(net, Encodes):
        found["latents"] = net.encode(batch)
        if isinstance(net, Decodes):
            found["decoded"] = net.decode(found["latents"], batch)
    if isinstance(net, Classifies):
        found["logits"], found["probabilities"] = net.logits(batch), net.probabilities(batch)
    if isinstance(net, Attends):
        found["attention"] = net.attention(batch)
    if isinstance(net, FindsDomains):
        found["domains"] = net.domain_logits(batch)
    return found


def assert_bit_equal(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> None:
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        assert torch.equal(values, theirs[name]), name
        assert torch.isfinite(values).all(), name


def test_the_table_lists_every_family() -> None:
    assert set(RECIPES) == set(BUILT_IN), "write a toy recipe for a new family, take out that of an old one"


def test_a_family_without_a_recipe_is_told(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(NotCompatible, match="no toy recipe for the family 'unheard_of'"):
        toy_request("unheard_of", dataset, tmp_path)


@every_family
def test_it_trains_and_keeps_the_promises_of_a_model(key: str, train: Train, dataset: Dataset) -> None:
    fingerprint = dataset.fingerprint
    bundle = train(key)
    assert dataset.fingerprint == fingerprint, "training never changes the data"
    assert {target.kind for net in bundle.folds for target in net.targets()} == set(
        family(key).info.target_kinds
    )
    for net in bundle.folds:
        assert net.genes == tuple(map(str, dataset.genes.names))
        check_model(net, make_batch(dataset, net, np.arange(9)))
    assert (bundle.twin is None) == (key in WITHOUT_TWIN)
    if bundle.twin is not None:
        check_model(bundle.twin, make_batch(dataset, bundle.twin, np.arange(9)))


@every_family
def test_the_same_seed_trains_the_same_bits_and_draws_from_nobody(
    key: str, train: Train, rerun: Callable[[str], Rerun], dataset: Dataset
) -> None:
    first, again = train(key), rerun(key)
    assert again.before == again.after
    assert again.bundle.fingerprint == first.fingerprint
    for one, other in zip(first.folds, again.bundle.folds, strict=True):
        assert_bit_equal(answers(one, dataset), answers(other, dataset))


@every_family
def test_it_comes_back_from_the_disk_and_scores_bit_equal(
    key: str, train: Train, dataset: Dataset, tmp_path: Path
) -> None:
    bundle, before = train(key), states()
    again = load_bundle(save_bundle(bundle, tmp_path / "saved"))
    assert states() == before
    assert (again.family, again.params, again.fingerprint) == (key, bundle.params, bundle.fingerprint)
    nets = [*bundle.folds, *([bundle.twin] if bundle.twin is not None else [])]
    loaded = [*again.folds, *([again.twin] if again.twin is not None else [])]
    assert len(nets) == len(loaded)
    for one, other in zip(nets, loaded, strict=True):
        assert type(one) is type(other)
        assert one.targets() == other.targets()
        assert one.fingerprint == other.fingerprint
        assert_bit_equal(answers(one, dataset), answers(other, dataset))
    for name in ("probabilities_ck", "latent_cz"):
        ours, theirs = getattr(bundle.cells, name), getattr(again.cells, name)
        assert (ours is None and theirs is None) or np.array_equal(ours, theirs, equal_nan=True)


@every_family
def test_it_is_cancelled_wherever_it_reports(
    key: str,
    ask: Callable[[str], FitRequest],
    rerun: Callable[[str], Rerun],
    dataset: Dataset,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "time", STOPPED)
    request, reports = ask(key), rerun(key).reports
    assert reports >= 4, "a run must be stoppable in its epochs, not only before and after"
    before, grad = states(), torch.is_grad_enabled()
    for last in (0, reports // 2, reports - 1):
        with pytest.raises(JobCancelled):
            fit(dataset, request, Counting(last))
        assert states() == before
        assert torch.is_grad_enabled() == grad
