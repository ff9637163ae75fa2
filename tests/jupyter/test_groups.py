"""Groups, notes and files in a notebook: every wish once, none while something is shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glasscell.data.dataset import Dataset
from glasscell.data.read import read
from glasscell.data.selection import Cells
from glasscell.session import Session
from glasscell.testing.planted import planted_adata
from glasscell.views.groups_presenter import GroupsPresenter
from glasscell.views.groups_view import GroupRow, NoteRow

pytest.importorskip("ipywidgets")
from glasscell.jupyter.groups import NO_BRUSH, JupyterGroupsView
from glasscell.jupyter.sheet import Sheet

MARKUP = "<img src=x onerror=alert(1)>"
INTENTS = (
    "group_named",
    "group_renamed",
    "group_recoloured",
    "groups_deleted",
    "groups_merged",
    "groups_selected",
    "group_filled",
    "group_emptied",
    "colour_requested",
    "stroke_drawn",
    "note_written",
    "note_selected",
    "note_deleted",
    "session_save_requested",
    "session_open_requested",
    "data_save_requested",
    "table_save_requested",
)
ROWS = (GroupRow(MARKUP, "#ff0000", 5, 5), GroupRow("b", "#00ff00", 1200, 3), GroupRow("c", "#0000ff", 1, 0))


def told(view: Any) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for name in INTENTS:
        signal = getattr(view, name)
        signal.connect(lambda *values, name=name: found.append((name, *values)), check_nargs=False)
    return found


def send(sheet: Sheet, kind: str, row: int, column: int, **more: Any) -> None:
    sheet._on_message(sheet, {"type": kind, "row": row, "column": column, **more}, [])


def shown(widget: Any) -> bool:
    return widget.layout.display != "none"


def filled() -> tuple[JupyterGroupsView, list[tuple[Any, ...]]]:
    view = JupyterGroupsView()
    heard = told(view)
    view.set_groups(ROWS)
    view.set_notes((NoteRow(MARKUP, 7),))
    view.set_tables(("cells", "groups"))
    view.set_file("cells.h5ad")
    view.set_enabled(True, True, "")
    assert heard == [], "showing is not asking"
    return view, heard


def test_groups_are_chosen_and_what_fits_their_number_is_allowed() -> None:
    view, heard = filled()
    assert view.groups.rows[0] == (False, "#ff0000", MARKUP, "5")
    assert view.groups.rows[1][3] == "3 / 1,200"
    assert view.reason.text == NO_BRUSH
    assert [b.disabled for b in (view.select, view.fill, view.merge)] == [True, True, True]
    send(view.groups, "changed", 1, 0, value=True)
    assert view.chosen() == ("b",)
    assert [b.disabled for b in (view.select, view.fill, view.merge)] == [False, False, True]
    send(view.groups, "clicked", 0, 2)
    assert view.chosen() == (MARKUP, "b")
    assert [b.disabled for b in (view.select, view.fill, view.merge)] == [False, True, False]
    view.set_groups(ROWS[1:])
    assert view.chosen() == ("b",)
    view.set_groups((GroupRow("new", "#00ff00", 1200, 3), ROWS[2]))
    assert view.chosen() == ("new",), "a group that changed its name stays chosen"
    assert heard == []


def test_every_button_utters_its_wish() -> None:
    view, heard = filled()
    view.choose("b")
    view.select.click()
    view.fill.click()
    view.empty.click()
    view.name.value = " d "
    view.rename.click()
    view.colour.click()
    view.delete.click()
    assert heard == [
        ("groups_selected", ("b",)),
        ("group_filled", "b"),
        ("group_emptied", "b"),
        ("group_renamed", "b", "d"),
        ("colour_requested",),
        ("groups_deleted", ("b",)),
    ]
    heard.clear()
    view.choose(MARKUP, "c")
    view.merge.click()
    view.name.value = ""
    view.merge.click()
    view.name.value = "e"
    view.add.click()
    send(view.groups, "changed", 2, 1, value="#123456")
    assert heard == [
        ("groups_merged", (MARKUP, "c"), "d"),
        ("groups_merged", (MARKUP, "c"), MARKUP),
        ("group_named", "e"),
        ("group_recoloured", "c", "#123456"),
    ]
    heard.clear()
    send(view.notes, "clicked", 0, 0)
    send(view.notes, "clicked", 0, 2)
    send(view.notes, "clicked", 0, 3)
    view.note.value = "odd"
    view.note._handle_custom_msg({"event": "submit"}, [])
    assert heard == [("note_selected", 0), ("note_deleted", 0), ("note_written", "odd")]
    view.set_enabled(False, False, "Open data.")
    view.add.click()
    view.keep_note.click()
    assert len(heard) == 3
    assert view.reason.text == "Open data."


def test_files_are_named_by_typed_paths_and_writing_is_confirmed() -> None:
    view, heard = filled()
    files = view.files
    for press in (files.save_session, files.open_session, files.save_copy, files.save_table):
        press.click()
    assert heard == []
    files.session.value = "/x/a.glasscell"
    files.save_session.click()
    files.open_session.click()
    files.copy.value, files.csv.value = "/x/copy", "/x/groups"
    files.save_copy.click()
    files.table.value = "groups"
    files.save_table.click()
    assert heard == [
        ("session_save_requested", Path("/x/a.glasscell")),
        ("session_open_requested", Path("/x/a.glasscell")),
        ("data_save_requested", Path("/x/copy.h5ad")),
        ("table_save_requested", "groups", Path("/x/groups.csv")),
    ]
    heard.clear()
    files.write.click()
    assert "cells.previous.h5ad" in files.asked.words.text
    files.asked.no.click()
    files.write.click()
    assert heard == []
    files.asked.yes.click()
    assert heard == [("data_save_requested", None)]
    files.write.click()
    view.set_file("")
    assert files.write.disabled
    assert not shown(files.asked.widget), "a question about a file that is gone is taken back"


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    path = tmp_path / "cells.h5ad"
    planted_adata(n_cells=60, n_genes=20).write_h5ad(path)
    made = Session()
    made.open_dataset(read(path))
    yield made
    assert made.close()


def test_cells_are_named_noted_merged_and_written(session: Session, tmp_path: Path) -> None:
    view = JupyterGroupsView()
    presenter = GroupsPresenter(session, view)
    for number, name in enumerate((MARKUP, "b")):
        session.update(selection=Cells(np.arange(5, dtype=np.int32) + 5 * number))
        view.name.value = name
        view.add.click()
        assert view.chosen() == (name,)
        assert view.name.value == ""
    assert session.grouping.names() == (MARKUP, "b")
    assert [row[3] for row in view.groups.rows] == ["0 / 5", "5"]
    view.name.value = MARKUP
    view.rename.click()
    assert session.grouping.names() == (MARKUP, "b"), "two groups of one name are refused"
    assert view.chosen() == ("b",)
    view.name.value = "c"
    view.rename.click()
    assert view.chosen() == ("c",)
    view.note.value = MARKUP
    view.keep_note.click()
    assert view.note.value == ""
    assert view.notes.rows[0][:2] == (MARKUP, "5")
    send(view.groups, "changed", 0, 1, value="#123456")
    assert session.state.groups[0].colour == "#123456"
    view.choose(MARKUP, "c")
    view.select.click()
    assert int(session.mask().sum()) == 10
    view.merge.click()
    assert session.grouping.names() == (MARKUP,)
    view.colour.click()
    assert session.state.colouring.channel is not None
    view.files.session.value = str(tmp_path / "work.glasscell")
    view.files.save_session.click()
    assert session.jobs.wait_idle(60)
    view.files.write.click()
    view.files.asked.yes.click()
    assert session.jobs.wait_idle(60)
    assert (tmp_path / "cells.previous.h5ad").exists()
    view.choose(MARKUP)
    view.delete.click()
    send(view.notes, "clicked", 0, 3)
    assert not session.state.groups
    assert not shown(view.notes)
    view.files.open_session.click()
    assert session.jobs.wait_idle(60)
    assert session.grouping.names() == (MARKUP,)
    presenter.close()


def test_without_data_there_is_nothing_to_do() -> None:
    session, view = Session(), JupyterGroupsView()
    presenter = GroupsPresenter(session, view)
    assert view.add.disabled
    assert view.reason.text
    assert not shown(view.groups)
    session.open_dataset(Dataset(planted_adata(n_cells=40, n_genes=10)))
    assert not view.add.disabled
    assert view.files.write.disabled, "these data were never in a file"
    presenter.close()
    assert session.close()
