"""The main job on real data, by its real buttons: open, prepare, lasso, colour, train, cancel, explain."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import canvas_pixels, drag, settled, spin, wait

pytestmark = [pytest.mark.gui, pytest.mark.real_data, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class Case:
    """A file, a gene to type, the column to learn, and what is drawn."""

    file: str
    gene: str
    labels: str | None
    on_tissue: bool = True


CASES = (
    Case("dlpfc_151673.h5ad", "PCP4", "layer"),
    Case("pbmc3k.h5ad", "CD3E", "louvain", on_tissue=False),
    Case("mibitof_crc.sdata.zarr", "CD45", "Cluster"),
    Case("merfish_visp.sdata.zarr", "Slc17a7", None),
)


class Driver:
    """A person at the window."""

    def __init__(self, window: Any, case: Case) -> None:
        self.window, self.case = window, case
        self.desk, self.session = window.desk, window.desk.session

    def view(self, name: str) -> Any:
        self.window.raise_dock(name)
        spin(0.05)
        return self.window.docks[name].view

    def prepare(self) -> None:
        if not any(name.endswith("umap") for name in self.session.dataset.embeddings):
            view = self.view("Data")
            view.form.set_values({"n_variable_genes": 500, "n_components": 20})
            view.run.click()
            settled(self.desk)
        assert any(name.endswith("umap") for name in self.session.dataset.embeddings)

    def lasso(self, left: bool) -> None:
        if self.case.on_tissue:
            positions_cd = self.session.dataset.positions_cd
            self.window.docks["Tissue"].view.widget.tools["lasso"].click()
            drag(self.desk, half_outline(positions_cd, left))
            return
        embedding = self.window.docks["Embedding"].view
        embedding.tools["lasso"].click()
        key = next(name for name in self.session.dataset.embeddings if name.endswith("umap"))
        outline = half_outline(self.session.dataset.embeddings[key][:, :2], left)
        draw_in_embedding(embedding.canvas, outline)

    def type_gene(self) -> None:
        from qtpy.QtCore import Qt
        from qtpy.QtTest import QTest

        search = self.view("Colour by").search
        search.setFocus()
        search.clear()
        QTest.keyClicks(search, self.case.gene)
        wait(lambda: bool(search.model.hits), 10)
        QTest.keyClick(search, Qt.Key.Key_Return)
        settled(self.desk)

    def train(self) -> None:
        view = self.view("Model")
        if self.case.labels is None:
            for name, left in (("west", True), ("east", False)):
                self.lasso(left)
                view.group_name.setText(name)
                view.group.click()
            self.window.docks["Tissue"].view.widget.clear.click()
            view.labels.setCurrentText("groups")
        else:
            view.labels.setCurrentText(self.case.labels)
        view.form.set_values({"hidden": 16, "max_epochs": 5000, "patience": 5000})
        view.train.click()

    def cancel_then_train(self) -> None:
        self.train()
        view = self.window.docks["Model"].view
        job = next(job for job in self.session.jobs.active if job.lane == "train")
        wait(lambda: job.progress.fraction or job.is_finished, 120, "the first epoch")
        view.cancel.click()
        wait(lambda: job.is_finished, 30, "the cancel")
        assert job.outcome.value == "cancelled"
        assert self.session.bundle is None
        view.form.set_values({"max_epochs": 4, "patience": 4})
        view.train.click()
        settled(self.desk)
        assert self.session.bundle is not None
        assert self.session.bundle.twin is not None
        assert view.metrics.rowCount() >= 3

    def explain(self) -> str:
        from qtpy.QtCore import Qt
        from qtpy.QtTest import QTest

        view = self.view("Attribution")
        view.cells.setCurrentIndex(view.cells.findData("all"))
        view.explain.click()
        settled(self.desk)
        wait(lambda: view.ranking.genes.rowCount() > 0, 20, "the ranking")
        gene = view.ranking.genes.gene(0)
        where = view.ranking.visualRect(view.ranking.genes.index(0, 0)).center()
        QTest.mouseClick(view.ranking.viewport(), Qt.MouseButton.LeftButton, pos=where)
        settled(self.desk)
        return str(gene)


def half_outline(positions_cd: Any, left: bool) -> Any:
    """Outline of the left or right half of the places."""
    known = positions_cd[np.isfinite(positions_cd).all(axis=1)]
    (x0, y0), (x1, y1) = known.min(axis=0), known.max(axis=0)
    middle, more = float(np.median(known[:, 0])), 0.02 * (y1 - y0)
    start, end = (x0 - more, middle) if left else (middle, x1 + more)
    return np.array([(start, y0 - more), (end, y0 - more), (end, y1 + more), (start, y1 + more)])


def draw_in_embedding(canvas: Any, outline_vd: Any) -> None:
    """Draw on the scatter with the left button, through Qt."""
    from qtpy.QtCore import QPointF, Qt
    from qtpy.QtTest import QTest

    viewport, left = canvas.viewport(), Qt.MouseButton.LeftButton
    places = [
        canvas.mapFromScene(canvas.box.mapViewToScene(QPointF(float(x), float(y)))) for x, y in outline_vd
    ]
    QTest.mousePress(viewport, left, pos=places[0])
    for place in places[1:]:
        QTest.mouseMove(viewport, place)
        spin(0.02)
    QTest.mouseRelease(viewport, left, pos=places[-1])
    spin(0.05)


def picture(window: Any) -> tuple[Any, Any]:
    """Pixels of the tissue and of the embedding."""
    spin(0.2)
    embedding = window.docks["Embedding"].view.canvas.grab().toImage()
    bits = embedding.constBits()
    bits.setsize(embedding.sizeInBytes())
    return canvas_pixels(window.viewer), np.frombuffer(bits, np.uint8).copy()


@pytest.mark.parametrize("case", CASES, ids=[case.file.split(".")[0] for case in CASES])
def test_the_main_job(case: Case, window: Callable[..., Any], real_data: Callable[[str], Path]) -> None:
    shown = window(real_data(case.file))
    driver = Driver(shown, case)
    settled(shown.desk)
    session = driver.session
    assert session.dataset is not None
    assert (session.dataset.positions_cd is not None) == case.on_tissue
    driver.prepare()

    before = picture(shown)
    driver.lasso(left=True)
    settled(shown.desk)
    mask = session.mask()
    assert 0.2 < mask.mean() < 0.8
    after = picture(shown)
    assert (before[1] != after[1]).mean() > 0.001, "the embedding did not follow the selection"
    assert not case.on_tissue or (before[0] != after[0]).mean() > 0.001

    driver.type_gene()
    channel = session.state.colouring.channel
    assert (channel.kind, channel.key) == ("gene", case.gene)
    coloured = picture(shown)
    assert (after[1] != coloured[1]).any()

    driver.cancel_then_train()
    gene = driver.explain()
    channel = session.state.colouring.channel
    assert (channel.kind, channel.key) == ("attribution", gene)
    painted = picture(shown)
    assert (painted[1] != coloured[1]).any()
    assert not case.on_tissue or (painted[0] != coloured[0]).any()
    bar = shown.docks["Colour by"].view.bar
    assert bar.isVisible()
    assert session.resolve(channel).values.centre == 0
