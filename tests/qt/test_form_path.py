"""A field for the path of a file: typed, or chosen with its button."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("qtpy")

from pydantic import BaseModel, Field
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog

from glasscell.models.pathway_vae.params import PathwayParams
from glasscell.qt.form import QtForm
from glasscell.views.form import build, fields

pytestmark = pytest.mark.gui


class Files(BaseModel):
    sets: str = Field("a.gmt", title="Gene sets", json_schema_extra={"path": "Gene sets (*.gmt)"})
    word: str = "x"


def test_browse_writes_the_chosen_path(qtbot: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[str] = []
    answer = [str(tmp_path / "my sets <b>.gmt")]

    def choose(parent: Any, title: str, place: str, kinds: str) -> tuple[str, str]:
        asked.append(kinds)
        return answer[0], ""

    monkeypatch.setattr(QFileDialog, "getOpenFileName", choose)
    form = QtForm(fields(Files))
    qtbot.addWidget(form)
    form.show()
    assert form.values() == {"sets": "a.gmt", "word": "x"}
    assert form.fields["word"].browse is None
    button = form.fields["sets"].browse
    assert button is not None
    with qtbot.waitSignal(form.changed):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert asked == ["Gene sets (*.gmt);;All files (*)"]
    assert form.values()["sets"] == answer[0]
    chosen, answer[0] = answer[0], ""
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert form.values()["sets"] == chosen, "turned down: nothing changes"
    form.fields["sets"].control.setText("/typed/by hand.gmt")
    assert build(Files, form.values()) == Files(sets="/typed/by hand.gmt")


def test_the_pathway_form_shows_its_defaults_and_a_button(qtbot: Any) -> None:
    form = QtForm(fields(PathwayParams))
    qtbot.addWidget(form)
    assert build(PathwayParams, form.values()) == PathwayParams()
    assert form.fields["gene_sets"].browse is not None
