"""A session asks for attention: held and made known, saved with the data, set aside when the data change."""

from collections.abc import Iterator
from pathlib import Path

import anndata as ad
import numpy as np
import pytest

from glasscell.data.dataset import Dataset
from glasscell.errors import DataError, ModelError
from glasscell.explain.attention.store import read_attention, store_attention
from glasscell.models.registry import FAMILIES
from glasscell.session import Session
from glasscell.session.attending import grouping
from glasscell.testing.attending_family import TOKEN_FAMILY, attending_bundle
from glasscell.testing.planted import tiny_adata

FEW = {"removal_cells": 4, "random_nets": 2}


@pytest.fixture
def session() -> Iterator[Session]:
    FAMILIES.register(TOKEN_FAMILY)
    made = Session()
    made.open_dataset(Dataset(tiny_adata(n_cells=60, seed=4)))
    made.update(model=made.hold("bundle", attending_bundle(made.dataset, "label", "tokens")))
    yield made
    assert made.close()
    FAMILIES.unregister(TOKEN_FAMILY.info.key)


def test_held_made_known_and_saved(session: Session, tmp_path: Path) -> None:
    heard: list[str] = []
    session.made.connect(heard.append)
    session.attend("label", params=FEW).wait(60)
    assert heard == ["attention"]
    found = session.latest("attention")
    assert found.data == session.dataset.fingerprint
    session.save_data(tmp_path / "a.h5ad").wait(60)
    (kept,) = read_attention(ad.read_h5ad(tmp_path / "a.h5ad"))
    assert kept.equals(store_attention(found))
    assert session.state.explanation is None, "an undo or another explanation has nothing to do with it"


def test_a_stale_result_is_set_aside(session: Session) -> None:
    job = session.attend("label", params=FEW)
    session.open_dataset(Dataset(tiny_adata(n_cells=50, seed=8)))
    job.wait(60)
    assert session.jobs.wait_idle(60)
    assert session.latest("attention") is None
    session.open_dataset(Dataset(tiny_adata(n_cells=60, seed=4)))
    assert session.latest("attention") is None or job.result is not None


def test_groupings(session: Session) -> None:
    dataset, bundle = session.dataset, session.bundle
    predicted = grouping("predicted class", dataset, bundle)
    assert predicted.classes == bundle.classes
    assert np.array_equal(predicted.codes, bundle.cells.probabilities_ck.argmax(axis=1))
    with pytest.raises(DataError, match="finds no domains"):
        grouping("predicted domain", dataset, bundle)
    other = Dataset(tiny_adata(n_cells=20, seed=4))
    other.adata.obs_names = [f"other{k}" for k in range(20)]
    with pytest.raises(DataError, match="trained on other cells"):
        grouping("predicted class", Dataset(other.adata), bundle)


def test_wrong_use_is_refused_at_once(session: Session) -> None:
    with pytest.raises(DataError, match="Choose the groups"):
        session.attend("")
    with pytest.raises(DataError, match="all or selection"):
        session.attend("label", cells="none")
    empty = Session()
    with pytest.raises(DataError):
        empty.attend("label")
    empty.open_dataset(Dataset(tiny_adata(n_cells=50)))
    with pytest.raises(ModelError, match="Train or load"):
        empty.attend("label")
    assert empty.close()
