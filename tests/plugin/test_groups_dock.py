"""The groups dock: naming, painting, undo, files, and work that is back after a crash."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import canvas_pixels, drag, press, settled, spin, wait

pytestmark = pytest.mark.gui


def test_name_paint_erase_merge_and_undo(window: Callable[..., Any], grid_file: Path) -> None:
    from qtpy.QtCore import Qt

    shown = window(grid_file)
    desk, session = shown.desk, shown.desk.session
    settled(desk)
    shown.raise_dock("Groups")
    spin(0.1)
    view = shown.docks["Groups"].view
    shown.docks["Tissue"].view.widget.choose_tool("rectangle")
    drag(desk, [(-5, -5), (20, 20), (45, 45)])
    assert len(session.state.groups) == 0
    view.name.setText("corner")
    press(view.add)
    assert session.grouping.names() == ("corner",)
    assert len(session.state.groups[0].cells) == 25
    before = canvas_pixels(shown.viewer)

    assert view.groups.chosen() == ("corner",)
    view.name.setText("stripe")
    press(view.brush)
    assert desk.tissue.lasso.tool == "move"
    assert not shown.viewer.scene.camera.mouse_pan
    view.size.setValue(4)
    drag(desk, [(100, 100), (120, 100), (140, 100), (160, 100)])
    (stripe,) = (one for one in session.state.groups if one.name == "stripe")
    painted = {(int(i) % 20, int(i) // 20) for i in stripe.cells.indices}
    assert painted == {(x, 10) for x in range(10, 17)}
    settled(desk)
    assert (canvas_pixels(shown.viewer) != before).any(), "painting is not seen"
    assert view.groups.chosen() == ("stripe",)
    drag(desk, [(100, 100), (120, 100)], Qt.KeyboardModifier.AltModifier)
    assert len(session.state.groups[1].cells) == 4
    session.undo()
    assert len(session.state.groups[1].cells) == 7, "a stroke is one step"
    session.undo()
    assert session.grouping.names() == ("corner",)
    session.redo()

    shown.docks["Tissue"].view.widget.choose_tool("move")
    drag(desk, [(100, 150), (140, 150)])
    assert not view.brush.isChecked(), "taking another tool puts the brush away"
    assert len(session.state.groups[1].cells) == 7

    view.groups.choose("corner", "stripe")
    view.name.setText("both")
    press(view.merge)
    assert session.grouping.names() == ("both",)
    assert len(session.state.groups[0].cells) == 32
    view.note.setText("these are odd")
    press(view.select)
    press(view.keep_note)
    assert session.state.annotations[0].text == "these are odd"
    press(view.delete)
    assert not session.state.groups


def test_rename_in_place_and_a_refused_name_goes_back(viewer: Any, grid_file: Path) -> None:
    from glasscell.data.selection import Cells
    from glasscell.plugin.desk import desk_for
    from glasscell.plugin.groups_dock import GroupsDock

    dock = GroupsDock(viewer)
    viewer.window.add_dock_widget(dock)
    desk = desk_for(viewer)
    view, session = dock.view, desk.session
    assert not view.add.isEnabled()
    assert not view.brush.isEnabled()
    desk.open(grid_file)
    settled(desk)
    for number, name in enumerate("ab"):
        session.update(selection=Cells(np.arange(5, dtype=np.int32) + 5 * number))
        session.grouping.add(name)
    view.groups.topLevelItem(0).setText(1, "<b>new</b>")
    assert session.grouping.names() == ("<b>new</b>", "b")
    assert view.groups.topLevelItem(0).text(1) == "<b>new</b>"
    view.groups.topLevelItem(1).setText(1, "<b>new</b>")
    assert session.grouping.names() == ("<b>new</b>", "b")
    assert view.groups.topLevelItem(1).text(1) == "b"
    assert "already" in session.messages[-1].text


def test_write_into_the_file_keeps_the_previous_one(
    viewer: Any, grid_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import anndata as ad

    from glasscell.data.selection import Cells
    from glasscell.plugin.desk import desk_for
    from glasscell.plugin.groups_dock import GroupsDock
    from glasscell.qt import files

    dock = GroupsDock(viewer)
    viewer.window.add_dock_widget(dock)
    desk = desk_for(viewer)
    desk.open(grid_file)
    settled(desk)
    before = grid_file.read_bytes()
    desk.session.update(selection=Cells(np.arange(9, dtype=np.int32)))
    desk.session.grouping.add("nine")
    view = dock.view
    monkeypatch.setattr(files, "ask_to_write", lambda parent, name: False)
    press(view.files.write)
    settled(desk)
    assert grid_file.read_bytes() == before
    monkeypatch.setattr(files, "ask_to_write", lambda parent, name: True)
    press(view.files.write)
    settled(desk)
    assert grid_file.with_name("grid.previous.h5ad").read_bytes() == before
    assert int(ad.read_h5ad(grid_file).obs["glasscell.group.nine"].sum()) == 9
    csv = grid_file.with_name("cells.csv")
    monkeypatch.setattr(files.QFileDialog, "getSaveFileName", lambda *args: (str(csv), ""))
    press(view.files.save_table)
    settled(desk)
    assert csv.read_text().splitlines()[0] == "cell,x,y,half,group nine,selected"


def test_the_window_offers_to_bring_back_what_a_crash_interrupted(
    viewer: Any, grid_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import napari
    from qtpy.QtWidgets import QMessageBox

    from glasscell.data.selection import Cells
    from glasscell.plugin.desk import desk_for
    from glasscell.session.journal import find_lost

    desk = desk_for(viewer)
    desk.open(grid_file)
    settled(desk)
    desk.session.update(selection=Cells(np.arange(9, dtype=np.int32)))
    desk.session.grouping.add("nine")
    viewer.scene.camera.zoom = 3.25
    wait(lambda: not desk.session.jobs.active)
    desk.journal.write()
    desk.journal._lock.give_back()  # as a killed process does
    assert find_lost()
    second = napari.Viewer(show=True)
    other = desk_for(second)
    wait(lambda: other._offer.box is not None)
    box = other._offer.box
    assert isinstance(box, QMessageBox)
    assert "grid.h5ad" in box.informativeText()
    assert "1 group" in box.informativeText()
    press(next(button for button in box.buttons() if button.text() == "Restore"))
    wait(lambda: other.session.state.groups)
    settled(other)
    assert other.session.state.groups[0].name == "nine"
    assert other.session.state.selection == Cells(np.arange(9, dtype=np.int32))
    assert second.scene.camera.zoom == pytest.approx(3.25)
    wait(lambda: not find_lost(), what="the old journal to go")
    second.close()
