"""A session measures what the gene sets of its model are worth; it is shown, written and read back equal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from anndata import AnnData, read_h5ad

from glasscell.errors import DataError, JobCancelled, NotCompatible
from glasscell.explain.worth.measure import measure_worth, why_no_worth
from glasscell.explain.worth.result import SetWorth, read_set_worth
from glasscell.jobs import QuietJob
from glasscell.models.bundle import Bundle
from glasscell.models.fit import FitRequest, fit
from glasscell.models.pathway_vae.leave_out import leave_one_out
from glasscell.models.pathway_vae.params import PathwayParams
from glasscell.session import Session
from glasscell.session.result_file import load_result, save_result
from glasscell.testing.fake_views import fake
from glasscell.testing.pathway_activity import PathwayActivity, make_pathway_activity
from glasscell.testing.planted import planted_dataset
from glasscell.views.worth_presenter import RUNNING, WorthPresenter
from glasscell.views.worth_view import NOT_MEASURED, WorthView, worth_table, worth_words

N_TRUE, N_DECOYS = 3, 2
FAST: dict[str, Any] = {
    "n_free": 1,
    "group_lasso": 0.3,
    "hidden": 16,
    "max_epochs": 12,
    "warm_up": 3,
    "batch_size": 64,
}


@pytest.fixture(scope="module")
def planted() -> PathwayActivity:
    return make_pathway_activity(
        10, n_cells=240, n_genes=60, n_true=N_TRUE, n_decoys=N_DECOYS, genes_per_set=10, depth=1500
    )


@pytest.fixture(scope="module")
def bundle(planted: PathwayActivity, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    gmt = tmp_path_factory.mktemp("sets") / "sets.gmt"
    lines = ["\t".join((one.name, "", *sorted(one.genes))) for one in planted.sets]
    gmt.write_text("\n".join(lines), encoding="utf-8")
    params = PathwayParams(**FAST, gene_sets=str(gmt), learning_rate=2e-2)
    return fit(planted.dataset, FitRequest(family="pathway_vae", params=params))


@pytest.fixture
def trained(planted: PathwayActivity, bundle: Bundle) -> Iterator[Session]:
    session = Session()
    session.open_dataset(planted.dataset)
    session.update(model=session.hold("bundle", bundle))
    yield session
    assert session.close()


def test_measured_shown_and_read_back_equal(trained: Session, tmp_path: Path) -> None:
    session = trained
    view: Any = fake(WorthView)()
    presenter = WorthPresenter(session, view)
    assert view.shown["offer"] == (True, True, "")
    assert view.shown["worth"] == (None, NOT_MEASURED)
    view.worth_requested.emit(False)
    assert session.jobs.wait_idle(60)
    found = session.latest("set_worth")
    table, words = view.shown["worth"]
    assert found.held_out
    assert f"{found.n_cells} held-out cells" in words
    bundle = session.bundle
    assert bundle is not None
    cells = np.flatnonzero(bundle.cells.fold == 0)
    assert found.n_cells == len(cells) == 24
    net: Any = bundle.folds[0]
    np.testing.assert_allclose(found.worth_p, leave_one_out(net, session.dataset, cells)[: net.n_sets])
    assert np.isnan(found.survives_p).all()
    assert not found.has_path
    assert [texts[0] for texts in table.texts] == [found.names[p] for p in np.argsort(-found.worth_p)]
    assert {texts[4] for texts in table.texts} == {"?"}
    view.set_clicked.emit(table.texts[0][0])
    assert session.state.colouring.channel.kind == "latent"
    assert session.state.colouring.channel.key == table.texts[0][0]
    session.save_data(tmp_path / "out.h5ad").wait(60)
    session.save_table("set_worth", tmp_path / "w.csv").wait(60)
    assert (tmp_path / "w.csv").read_text().count("\n") == 1 + N_TRUE + N_DECOYS
    (kept,) = read_set_worth(read_h5ad(tmp_path / "out.h5ad"))
    assert kept.manifest() == found.manifest()
    save_result(found, tmp_path / "kept")
    again = load_result(tmp_path / "kept", ("SetWorth",))
    assert again.manifest() == found.manifest()
    presenter.close()


def test_the_path_says_what_each_set_withstands(trained: Session) -> None:
    dataset, bundle = trained.dataset, trained.bundle
    assert dataset is not None
    assert bundle is not None
    found = measure_worth(dataset, bundle, path=True, strengths=(0.0, 6.0))
    assert found.strengths == (0.0, 0.3, 6.0), "the model's own is among them"
    assert (found.survives_p >= 0).all()
    assert (found.survives_p < 6).all()
    assert np.isfinite(found.deviance_s).all()
    table = worth_table(found)
    assert {texts[4] for texts in table.texts} <= {"0", "0.3"}
    assert "Deviance of hidden counts" in worth_words(found)
    adata = AnnData(np.zeros((1, 1), np.float32))
    found.write_into(adata)
    (kept,) = read_set_worth(adata)
    assert kept.manifest() == found.manifest()
    pruned = replace(found, norm_p=np.zeros(5), survives_p=np.full(5, -1.0))
    assert {texts[4] for texts in worth_table(pruned).texts} == {"never"}
    assert "moves no gene" in worth_table(pruned).tips[0]


def test_it_can_be_stopped_and_says_that_it_runs(trained: Session) -> None:
    view: Any = fake(WorthView)()
    presenter = WorthPresenter(trained, view)
    job = trained.measure_worth(path=True)
    assert view.shown["offer"] == (True, False, RUNNING)
    job.cancel()
    assert trained.jobs.wait_idle(60)
    assert trained.latest("set_worth") is None
    assert view.shown["offer"] == (True, True, "")
    presenter.close()

    class Stopping(QuietJob):
        def report(self, fraction: float | None, text: str = "", **metrics: float) -> None:
            raise JobCancelled("Stopped.")

    with pytest.raises(JobCancelled):
        measure_worth(trained.dataset, trained.bundle, job=Stopping())  # type: ignore[arg-type]


def test_other_models_and_data_are_told_in_a_sentence(trained: Session) -> None:
    bundle = trained.bundle
    assert bundle is not None
    assert "Train a model of gene sets" in why_no_worth(None, trained.dataset)
    assert "no gene sets" in why_no_worth(replace(bundle, family="vae"), trained.dataset)
    other = planted_dataset(n_cells=60, n_genes=20)
    assert "other data" in why_no_worth(bundle, other)
    session = Session()
    session.open_dataset(other)
    view: Any = fake(WorthView)()
    presenter = WorthPresenter(session, view)
    assert view.shown["offer"][0] is False, "nothing is offered where the model has no gene sets"
    with pytest.raises(NotCompatible, match="Train a model of gene sets"):
        session.measure_worth()
    presenter.close()
    assert session.close()


def test_damage_is_told() -> None:
    adata = AnnData(np.zeros((1, 1), np.float32))
    for text, words in (('{"format_version": 99}', "newer version"), ("{}", "damaged"), ("[]", "damaged")):
        adata.uns["glasscell.set_worth.x"] = text
        with pytest.raises(DataError, match=words):
            read_set_worth(adata)
    assert SetWorth.__dataclass_params__.frozen  # type: ignore[attr-defined]
