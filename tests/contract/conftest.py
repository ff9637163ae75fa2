"""Each front end once for all tests of the contract; a test begins with the toy and nothing done to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from glasscell.data.dataset import Dataset
from glasscell.models.bundle import Bundle
from glasscell.models.registry import FAMILIES
from glasscell.session import State
from glasscell.testing.attending_family import EDGE_FAMILY, TOKEN_FAMILY
from glasscell.testing.planted import planted_adata

from .fronts import Front, fake_front, notebook_front, window_front

KINDS: dict[str, Callable[[Any], AbstractContextManager[Front]]] = {
    "fake": fake_front,
    "qt": window_front,
    "jupyter": notebook_front,
}


@pytest.fixture(scope="session")
def toy() -> Any:
    """Counts with labels, places, and an embedding."""
    adata = planted_adata(n_cells=160, n_genes=30, seed=3)
    adata.obsm["X_toy"] = np.random.default_rng(0).normal(size=(adata.n_obs, 2))
    return adata


@pytest.fixture(
    scope="module",
    params=["fake", pytest.param("qt", marks=pytest.mark.gui), "jupyter"],
)
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """Open one front end, empty."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "qt":
            request.getfixturevalue("qapp")
            patch.setenv("NAPARI_CONFIG", str(tmp_path_factory.mktemp("napari") / "settings.yaml"))
        with KINDS[request.param](patch) as front:
            front.settle()
            yield front


@pytest.fixture
def front(opened: Front, toy: Any) -> Iterator[Front]:
    """Begin with the toy and nothing done to it; afterwards no view has spoken unasked."""
    session = opened.session
    if opened.toy is None or session.state.dataset != opened.toy.dataset:
        session.open_dataset(Dataset(toy.copy()))
        session.update(model=None, explanation=None)
        opened.toy = session.state
    else:
        session.light(None)
        session.update(**{one.name: getattr(opened.toy, one.name) for one in fields(State)})
    session.hover(None)
    opened.settle()
    opened.unasked.clear()
    yield opened
    opened.settle()
    assert not opened.unasked, f"said unasked: {sorted(set(opened.unasked))}"


@pytest.fixture(scope="session")
def agree() -> Callable[[str, Any], None]:
    """The first front end that is asked sets the answer; the others give the same."""
    answers: dict[str, Any] = {}

    def same(about: str, answer: Any) -> None:
        assert answers.setdefault(about, answer) == answer, f"{about}: the front ends differ"

    return same


@pytest.fixture(scope="module", autouse=True)
def _attending() -> Iterator[None]:
    for family in (TOKEN_FAMILY, EDGE_FAMILY):
        FAMILIES.register(family)
    yield
    for family in (TOKEN_FAMILY, EDGE_FAMILY):
        FAMILIES.unregister(family.info.key)


@pytest.fixture(scope="session")
def decoder(toy: Any) -> Bundle:
    """Train a model with factors once."""
    from glasscell.models.fit import fit
    from glasscell.models.fit_request import FitRequest
    from glasscell.models.registry import family

    params = family("vae").params(max_epochs=2, n_latent=3, hidden=8, warm_up=1)
    return fit(Dataset(toy.copy()), FitRequest(family="vae", params=params, seed=0, device="cpu"))


@pytest.fixture(scope="session")
def trained(toy: Any) -> Bundle:
    """Train a classifier once for the tests that ask it."""
    from glasscell.data.labels import read_labels
    from glasscell.data.split import split
    from glasscell.models.fit import fit, fit_twin
    from glasscell.models.fit_request import FitRequest
    from glasscell.models.registry import family

    dataset = Dataset(toy.copy())
    labels = read_labels(dataset, "label")
    folds = split(dataset, "random", n_folds=2, seed=0, labels=labels)
    params = family("classifier").params(max_epochs=6, learning_rate=0.01)
    request = FitRequest(labels=labels, split=folds, family="classifier", params=params, seed=0, device="cpu")
    return fit_twin(fit(dataset, request), dataset, request)


@pytest.fixture(scope="session")
def shifting(toy: Any) -> Bundle:
    """Train a model of shifts once, as if the kinds of cells were perturbations."""
    from glasscell.data.labels import read_labels
    from glasscell.models.fit import fit
    from glasscell.models.fit_request import FitRequest
    from glasscell.models.registry import family

    dataset = Dataset(toy.copy())
    params = family("ivae").params(n_latent=2, hidden=8, n_layers=1, max_epochs=4)
    action = read_labels(dataset, "label")
    return fit(dataset, FitRequest(family="ivae", action=action, control="K1", params=params, device="cpu"))
