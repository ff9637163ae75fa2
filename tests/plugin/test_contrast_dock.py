"""The contrast dock pressed on real data: compare, order, click; on an empty viewer, and twice."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import press, settled, spin, wait

pytestmark = pytest.mark.gui


def choose(box: Any, key: str) -> None:
    assert box.findData(key) >= 0, key
    box.setCurrentIndex(box.findData(key))
    box.activated.emit(box.currentIndex())


def test_kang_in_the_window(window: Callable[..., Any], real_data: Callable[[str], Path]) -> None:
    shown = window(real_data("kang_labelled_1556x1267.h5ad"))
    session = shown.desk.session
    settled(shown.desk)
    shown.raise_dock("Contrast")
    spin(0.2)
    view = shown.docks["Contrast"].view
    choose(view.a, "obs:condition=stim")
    choose(view.b, "obs:condition=ctrl")
    press(view.compare)
    settled(shown.desk)
    wait(lambda: view.volcano.isVisible(), 5)
    assert "too few donors" in view.message.whole_text()
    assert "101, 107" in view.notes.whole_text()
    genes = [row[0] for row in view.genes.genes.texts[:20]]
    assert {"ISG15", "IFIT1"} <= set(genes)
    assert view.genes.isColumnHidden(3)
    view.genes.clicked.emit(view.genes.genes.index(2, 0))
    assert session.state.colouring.channel is not None
    assert session.state.colouring.channel.key == genes[2]
    view.volcano.gene_clicked.emit("ISG15")
    assert session.state.colouring.channel.key == "ISG15"
    choose(view.side, "b")
    assert view.genes.genes.texts[0][0] != genes[0]
    view.gene_sets_requested.emit(real_data("gene_sets/hallmark.gmt"))
    settled(shown.desk)
    assert view.sets.isVisible()
    choose(view.side, "a")
    settled(shown.desk)
    assert "INTERFERON" in view.sets.genes.texts[0][0]
    press(view.swap)
    assert view.a.name() == "obs:condition=ctrl"
    folder = os.environ.get("GLASSCELL_PICTURES")
    if folder:
        for theme in ("dark", "light"):
            shown.viewer.theme = theme
            spin(0.5)
            shown.desk.tissue.canvas.main_window.grab().save(f"{folder}/contrast_{theme}.png")


def test_empty_viewer_twice_and_while_a_job_runs(viewer: Any, grid_file: Path) -> None:
    from glasscell.plugin.contrast_dock import ContrastDock

    pair = [ContrastDock(viewer) for _ in range(2)]
    for number, dock in enumerate(pair):
        viewer.window.add_dock_widget(dock, name=f"Contrast {number}")
    assert not pair[0].view.compare.isEnabled()
    assert "Open data first" in pair[0].view.reason.whole_text()
    pair[0].desk.open(grid_file)
    late = ContrastDock(viewer)
    viewer.window.add_dock_widget(late, name="Contrast late")
    settled(pair[0].desk)
    assert late.view.compare.isEnabled()
    viewer.window.remove_dock_widget(pair[0])
    spin(0.1)
    assert pair[0]._ended
    assert not pair[1]._ended
