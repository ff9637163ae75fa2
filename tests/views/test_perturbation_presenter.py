"""The perturbation presenter with a fake view: offers, asks, paints, says why not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glasscell.data.dataset import Dataset
from glasscell.data.selection import Cells
from glasscell.jobs import InlineDispatcher
from glasscell.session import Session
from glasscell.testing.fake_views import FakeEmbeddingView, fake
from glasscell.testing.planted import planted_adata
from glasscell.testing.toy_latent import ToyLatent, latent_bundle
from glasscell.views.embedding_presenter import EmbeddingPresenter
from glasscell.views.perturbation_presenter import CHOOSE, PerturbationPresenter
from glasscell.views.perturbation_view import PerturbationView

FakePerturbationView = fake(PerturbationView)


def finish(session: Session) -> None:
    for _ in range(50):
        running = session.jobs.active
        if not running:
            return
        for job in running:
            job.wait(30)


@pytest.fixture
def shown() -> Iterator[tuple[Session, Any, Dataset]]:
    adata = planted_adata(n_cells=90, n_genes=40, n_classes=3, seed=2)
    adata.obsm["X_umap"] = np.random.default_rng(0).normal(size=(90, 2))
    session, dataset = Session(InlineDispatcher()), Dataset(adata)
    view = FakePerturbationView()
    presenter = PerturbationPresenter(session, view)
    session.open_dataset(dataset)
    yield session, view, dataset
    presenter.close()
    session.close()


def add_model(session: Session, dataset: Dataset) -> None:
    weights_zg = np.random.default_rng(1).normal(size=(3, 40))
    bundle = latent_bundle(dataset, ToyLatent(weights_zg, [str(name) for name in dataset.genes.names]))
    session.update(model=session.hold("bundle", bundle))


def wish(**other: Any) -> dict[str, Any]:
    return {
        "genes": ("GENE0001",), "direction": "out", "action": "", "cells": "all", "name": "", "params": {}
    } | other  # fmt: skip


def test_without_data_or_model_it_says_what_to_do(shown: tuple[Session, Any, Dataset]) -> None:
    _, view, _ = shown
    enabled, reason = view.shown["enabled"]
    assert not enabled
    assert reason == "Train or load a model first."
    assert view.shown["result"] == (None, CHOOSE)


def test_a_gene_is_knocked_out_and_painted(shown: tuple[Session, Any, Dataset], tmp_path: Path) -> None:
    session, view, dataset = shown
    add_model(session, dataset)
    assert view.shown["enabled"] == (True, "")
    assert "GENE0001" in view.shown["genes"]
    assert tuple(view.shown["actions"]) == ()
    view.perturb_requested.emit(wish())
    finish(session)
    picture, message = view.shown["result"]
    assert "GENE0001 out in 90" in message
    assert "expected by the model, not measured" in message
    assert picture.stands_out is not None
    assert "random genes of like expression" in picture.evidence
    channel = session.state.colouring.channel
    assert channel is not None
    assert (channel.kind, channel.key) == ("perturbation", "effect")
    first = picture.genes[0][0]
    view.channel_chosen.emit(f"gene:{first}")
    assert session.state.colouring.channel.key == f"gene:{first}"  # type: ignore[union-attr]
    view.table_requested.emit(tmp_path / "made.csv")
    finish(session)
    assert (tmp_path / "made.csv").read_text().splitlines()[1].startswith(first)


def test_only_the_chosen_cells_are_changed(shown: tuple[Session, Any, Dataset]) -> None:
    session, view, dataset = shown
    add_model(session, dataset)
    session.update(selection=Cells(np.arange(12, dtype=np.int32)))
    keys = [key for key, _ in view.shown["cells"]]
    assert keys[:2] == ["all", "selection"]
    assert "obs:label=K1" in keys
    view.perturb_requested.emit(wish(cells="selection"))
    finish(session)
    assert len(session.latest("perturbation").cells) == 12


def test_what_cannot_be_is_said(shown: tuple[Session, Any, Dataset]) -> None:
    session, view, dataset = shown
    add_model(session, dataset)
    view.perturb_requested.emit(wish(genes=()))
    assert "at least one gene" in session.messages[-1].text
    view.perturb_requested.emit(wish(genes=("nothing",)))
    finish(session)
    assert 'no input gene of the model "nothing"' in session.messages[-1].text
    assert view.shown["result"] == (None, CHOOSE)


def test_gene_sets_are_offered_with_the_genes_that_the_model_takes(
    shown: tuple[Session, Any, Dataset], tmp_path: Path
) -> None:
    session, view, dataset = shown
    add_model(session, dataset)
    path = tmp_path / "sets.gmt"
    path.write_text("ONE\tx\tGENE0001\tGENE0002\tELSE\nNONE\tx\tELSE\tOTHER\n")
    view.gene_sets_requested.emit(path)
    finish(session)
    sets, message = view.shown["gene_sets"]
    assert [(name, sorted(genes)) for name, genes in sets] == [("ONE", ["GENE0001", "GENE0002"])]
    assert "1 sets of sets.gmt" in message


def test_arrows_stand_on_the_embedding_while_it_is_painted(shown: tuple[Session, Any, Dataset]) -> None:
    session, view, dataset = shown
    add_model(session, dataset)
    scatter = FakeEmbeddingView()
    presenter = EmbeddingPresenter(session, scatter)
    assert scatter.shown["arrows"] is None
    view.perturb_requested.emit(wish(genes=("GENE0001", "GENE0002")))
    finish(session)
    drawn = scatter.shown["arrows"]
    assert drawn is not None
    assert not drawn.to_scale
    assert "direction only" in drawn.caption
    session.update(channel=None)
    assert scatter.shown["arrows"] is None
    presenter.close()


def test_jobs_that_come_and_go_tell_the_panel_nothing_twice(shown: tuple[Session, Any, Dataset]) -> None:
    session, view, dataset = shown
    add_model(session, dataset)
    told = view.count("learning")
    for number in range(5):
        session.jobs.submit(lambda job: job.report(0.5), title=f"Decode {number}", lane="view")
    finish(session)
    assert view.count("learning") == told
