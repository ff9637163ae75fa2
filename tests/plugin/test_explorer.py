"""A working day on real data, by its real buttons: draw, name, compare, undo, write tables, save, reopen."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import canvas_pixels, close, drag, settled, spin, wait
from .test_groups_dock import press
from .test_main_job import half_outline

pytestmark = [pytest.mark.gui, pytest.mark.real_data, pytest.mark.slow]


@dataclass(frozen=True)
class Case:
    """A file, a gene measured in it, and what counts when its west is compared with its east."""

    file: str
    gene: str
    unit: str = "cells"


CASES = (
    Case("dlpfc_151673.h5ad", "MBP"),
    Case("cosmx_lung_mini.h5ad", "ACTA2", "donors"),  # west and east are two fields of view
    Case("merscope_brain_mini.h5ad", "Adcyap1r1"),
    Case("mibitof_crc.sdata.zarr", "CD45"),
)


def show(window: Any, name: str) -> Any:
    """Raise a dock and return its view."""
    window.raise_dock(name)
    spin(0.05)
    return window.docks[name].view


def name_half(window: Any, name: str, *, left: bool) -> None:
    """Draw round half of the tissue with the lasso, and name what it holds."""
    desk = window.desk
    window.docks["Tissue"].view.widget.choose_tool("lasso")
    drag(desk, half_outline(desk.session.dataset.positions_cd, left))
    assert 0.2 < desk.session.mask().mean() < 0.8
    view = show(window, "Groups")
    view.name.setText(name)
    press(view.add)


def compare(window: Any) -> Any:
    """Compare the two groups and wait for the genes."""
    view = show(window, "Contrast")
    for box, words in ((view.a, "west"), (view.b, "east")):
        (place,) = (i for i in range(box.count()) if words in box.itemText(i))
        box.setCurrentIndex(place)
        box.activated.emit(place)
    press(view.compare)
    settled(window.desk)
    wait(lambda: view.genes.genes.rowCount() > 0, 60, "the genes that differ")
    return view


@pytest.mark.parametrize("case", CASES, ids=[case.file.split(".")[0] for case in CASES])
def test_a_day_of_work(
    case: Case, window: Callable[..., Any], real_data: Callable[[str], Path], tmp_path: Path
) -> None:
    shown = window(real_data(case.file))
    desk, session = shown.desk, shown.desk.session
    settled(desk)
    name_half(shown, "west", left=True)
    name_half(shown, "east", left=False)
    assert session.grouping.names() == ("west", "east")
    sizes = [len(group.cells) for group in session.state.groups]
    press(show(shown, "Groups").colour)
    settled(desk)
    by_groups = canvas_pixels(shown.viewer)

    view = compare(shown)
    contrast = session.latest("contrast")
    assert (contrast.n_a, contrast.n_b) == tuple(sizes)
    assert contrast.unit == case.unit
    gene = view.genes.genes.texts[0][0]
    view.genes.clicked.emit(view.genes.genes.index(0, 0))
    settled(desk)
    assert session.state.colouring.channel.key == gene
    assert (canvas_pixels(shown.viewer) != by_groups).any(), "the gene is not seen on the tissue"
    search = show(shown, "Colour by").search
    search.setText(case.gene)
    wait(lambda: any(hit.ref.key == case.gene for hit in search.model.hits), 10, "the gene in the list")

    tools = shown.docks["Tissue"].view.widget
    before = session.state
    press(tools.undo)
    assert session.state != before
    press(tools.redo)
    assert session.state == before

    session.save_table("contrast", tmp_path / "contrast.csv").value(60)
    assert len((tmp_path / "contrast.csv").read_text().splitlines()) == session.dataset.n_genes + 1
    groups_view = show(shown, "Groups")
    groups_view.files.session_save.emit(tmp_path / "day.glasscell")
    settled(desk)
    assert (tmp_path / "day.glasscell" / "session.json").is_file()
    kept = {group.name: group.cells for group in session.state.groups}
    close(shown.viewer)

    again = window(None)
    show(again, "Groups").files.session_open.emit(tmp_path / "day.glasscell")
    settled(again.desk)
    found = {group.name: group.cells for group in again.desk.session.state.groups}
    assert found == kept
    assert again.desk.session.state.colouring == before.colouring
    assert np.array_equal(
        again.desk.session.mask(), again.desk.session.state.selection.mask(again.desk.session.context)
    )
