"""The check shown before training, and applying a model, without a display."""

from typing import Any

import anndata as ad
import pytest

from glasscell.data.dataset import Dataset
from glasscell.data.labels import read_labels
from glasscell.data.split import split
from glasscell.models.classifier.family import ClassifierParams
from glasscell.models.fit import FitRequest, fit
from glasscell.session import Session
from glasscell.session.applying import applied_now
from glasscell.session.resolve import Ready
from glasscell.testing.planted import planted_dataset
from glasscell.views.colour_presenter import list_hits
from glasscell.views.preflight_presenter import PreflightPresenter
from glasscell.views.preflight_view import PreflightView


class FakeView(PreflightView):
    def __init__(self) -> None:
        self.shown: dict[str, Any] = {}
        self.chosen = ("classifier", "label", "")

    def question(self) -> tuple[str, str, str]:
        return self.chosen

    def set_training(self, title: str, lines: Any) -> None:
        self.shown["training"] = {line.name: line.verdict for line in lines}

    def set_applying(self, title: str, lines: Any) -> None:
        self.shown["applying"] = {line.name: line.verdict for line in lines}

    def set_notes(self, notes: Any) -> None:
        self.shown["notes"] = tuple(notes)


@pytest.fixture(scope="module")
def trained() -> Any:
    dataset = planted_dataset(n_cells=200, n_genes=30, seed=1)
    labels = read_labels(dataset, "label")
    params = ClassifierParams(hidden=8, max_epochs=8, batch_size=32, learning_rate=1e-2)
    return fit(dataset, FitRequest(labels, split(dataset, "random", n_folds=2, labels=labels), params=params))


def test_the_list_follows_data_and_choice() -> None:
    session, view = Session(), FakeView()
    presenter = PreflightPresenter(session, view)
    assert view.shown["training"] == {}
    session.open_dataset(planted_dataset(n_cells=300, n_genes=30, seed=1))
    assert view.shown["training"]["labels"] == "yes"
    view.chosen = ("classifier", "", "")
    view.asked.emit()
    assert view.shown["training"]["labels"] == "no"
    presenter.close()
    view.chosen = ("classifier", "label", "")
    view.asked.emit()
    assert view.shown["training"]["labels"] == "no", "a closed presenter must not listen"
    session.close()


def test_a_model_is_applied_to_other_data_and_shown_as_channels(trained: Any) -> None:
    session, view = Session(), FakeView()
    PreflightPresenter(session, view)
    other = planted_dataset(n_cells=150, n_genes=30, seed=1)
    adata = ad.AnnData(other.expression_cg("counts")[:, :24], obs=other.obs)
    adata.var_names = other.genes.names[:24]
    session.open_dataset(Dataset(adata))
    assert view.shown["applying"] == {}
    session.update(model=session.hold("bundle", trained))
    assert view.shown["applying"]["genes"] == "warning"
    view.terms_changed.emit("", 0.9)
    assert view.shown["applying"]["genes"] == "no", "the list follows the least overlap"
    view.terms_changed.emit("", 0.5)
    view.apply_requested.emit("", 0.5)
    assert session.jobs.wait_idle(20)
    found = applied_now(session)
    assert found is not None
    assert view.shown["notes"] == found.notes
    channel = session.state.colouring.channel
    assert channel is not None
    assert (channel.kind, channel.key) == ("applied", "label")
    hits = [hit for hit in list_hits(session) if hit.ref.kind == "applied"]
    assert [hit.ref.key for hit in hits] == ["label", "probability", "typicality", "flagged"]
    for hit in hits:
        assert isinstance(session.resolve(hit.ref), Ready), hit
    session.close()


def test_without_a_model_it_says_what_to_do() -> None:
    session, view = Session(), FakeView()
    PreflightPresenter(session, view)
    session.open_dataset(planted_dataset(n_cells=60, n_genes=20, seed=1))
    view.apply_requested.emit("", 0.5)
    assert "Train or load one first" in session.messages[-1].text
    session.close()
