"""Groups: what can be done with them, how they are written, and the tables of a session."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from glasscell.data.selection import Cells
from glasscell.errors import DataError
from glasscell.session import Ready, Session
from glasscell.session.group_column import read_groups, write_groups
from glasscell.session.grouping import ALL_GROUPS
from glasscell.session.state import Annotation, Group
from glasscell.session.table import tables
from glasscell.testing.planted import tiny_adata, tiny_dataset
from glasscell.views.brush import Brush
from glasscell.views.groups_presenter import GroupsPresenter
from glasscell.views.groups_view import GroupsView


@pytest.fixture
def session() -> Iterator[Session]:
    made = Session()
    made.open_dataset(tiny_dataset())
    yield made
    assert made.close()


def cells(*numbers: int) -> Cells:
    return Cells(np.array(numbers, np.int32))


def test_groups_are_changed_and_wrong_wishes_refused(session: Session) -> None:
    do = session.grouping
    for name, chosen in (("a", cells(1, 2, 3)), ("b", cells(3, 4))):
        session.update(selection=chosen)
        do.add(name)
    with pytest.raises(DataError, match="already"):
        do.rename("a", "b")
    with pytest.raises(DataError, match="no group"):
        do.recolour("z", "#000000")
    with pytest.raises(DataError, match="not a colour"):
        do.recolour("a", "red; background: url(x)")
    session.update(selection=cells(9))
    do.add_selected("a")
    assert session.state.groups[0].cells == cells(1, 2, 3, 9)
    do.colour_by()
    resolved = session.resolve(ALL_GROUPS)
    assert isinstance(resolved, Ready)
    column = resolved.values  # noqa: PD011 - of a channel
    assert column.categories == ("a", "b", "in several groups")
    assert column.text(3) == "in several groups"
    assert column.text(4) == "b"
    do.merge(["a", "b"], "c")
    assert session.state.groups == (Group("c", cells(1, 2, 3, 4, 9), "#e69f00"),)
    do.paint("c", cells(1, 2, 3, 4, 9).indices, erase=True)
    assert not session.state.groups
    session.undo()
    assert do.names() == ("c",)


@pytest.mark.parametrize("overlap", [False, True])
def test_groups_and_notes_come_back_from_a_file(overlap: bool, tmp_path: Path) -> None:
    groups = (
        Group("a/b", cells(0, 1), "#111111"),
        Group("a b", cells(1 if overlap else 2, 3), "#222222"),
        Group("<i>ü</i>", cells(7), "#333333"),
    )
    notes = (Annotation("first", cells(5)), Annotation("second", cells(6, 7)))
    adata = tiny_adata()
    write_groups(adata, groups, notes)
    assert ("glasscell.groups" in adata.obs) != overlap
    adata.write_h5ad(tmp_path / "g.h5ad")
    session = Session()
    session.open(tmp_path / "g.h5ad").wait()
    assert session.state.groups == groups
    assert session.state.annotations == notes
    assert session.dataset is not None
    again = session.dataset.editable()
    write_groups(again, groups[:1], ())
    assert [key for key in again.obs if key.startswith("glasscell.")] == ["glasscell.group.a_b"]
    assert read_groups(session.dataset.with_adata(again)) == (groups[:1], ())
    assert session.close()


def test_writing_back_keeps_the_previous_file(tmp_path: Path) -> None:
    path = tmp_path / "cells.h5ad"
    tiny_adata().write_h5ad(path)
    before = path.read_bytes()
    session = Session()
    session.open(path).wait()
    session.update(selection=cells(1, 2))
    session.grouping.add("two")
    for target in (path, tmp_path / "copy.zarr", tmp_path / "copy.zarr"):
        job = session.save_data(target)
        job.wait()
        assert job.error is None
    assert (tmp_path / "cells.previous.h5ad").read_bytes() == before
    assert (tmp_path / "copy.previous.zarr").is_dir()
    assert int(ad.read_h5ad(path).obs["glasscell.group.two"].sum()) == 2
    assert sorted(item.name for item in tmp_path.iterdir()) == [
        "cells.h5ad",
        "cells.previous.h5ad",
        "copy.previous.zarr",
        "copy.zarr",
    ]
    assert session.close()


def test_every_table_is_written_as_csv(session: Session, tmp_path: Path) -> None:
    session.update(selection=cells(1, 2))
    session.grouping.add("=two")
    session.grouping.annotate("odd, very")
    assert set(tables(session)) >= {"cells", "groups", "notes"}
    assert "ranking" not in tables(session)
    with pytest.raises(DataError, match="nothing to write"):
        session.save_table("ranking", tmp_path / "r.csv")
    for name in ("cells", "groups", "notes"):
        session.save_table(name, tmp_path / f"{name}.csv").wait()
    table = pd.read_csv(tmp_path / "cells.csv")
    assert table["group =two"].sum() == 2
    assert len(table) == 120
    assert pd.read_csv(tmp_path / "notes.csv")["text"].unique().tolist() == ["odd, very"]


def test_the_brush_finds_what_a_slow_search_finds() -> None:
    rng = np.random.default_rng(0)
    positions_cd = rng.uniform(0, 100, (3000, 2))
    positions_cd[5] = np.nan
    brush = Brush(positions_cd)
    for _ in range(20):
        path, radius = rng.uniform(0, 100, (rng.integers(1, 5), 2)), float(rng.uniform(0.5, 9))
        dense = np.concatenate([np.linspace(a, b, 4000) for a, b in pairwise(path)] or [path])
        gap = np.array([np.sqrt(((dense - place) ** 2).sum(1).min()) for place in positions_cd[:400]])
        wanted = set(np.flatnonzero(gap <= radius).tolist())
        found = {cell for cell in brush.cells_near(path, radius).tolist() if cell < 400}
        assert wanted <= found
        assert all(gap[cell] <= radius + 0.02 for cell in found)


class FakeGroups(GroupsView):
    """Remembers what it was told last."""

    def set_groups(self, rows: object) -> None:
        self.groups = rows

    def set_notes(self, rows: object) -> None:
        self.notes = rows

    def set_tables(self, names: object) -> None:
        self.tables = names

    def set_file(self, name: str) -> None:
        self.file = name

    def set_enabled(self, enabled: bool, has_places: bool, reason: str) -> None:
        self.enabled = (enabled, has_places, reason)


def test_the_presenter_paints_one_step_and_speaks_of_what_is_wrong(session: Session) -> None:
    view = FakeGroups()
    presenter = GroupsPresenter(session, view)
    dataset = session.dataset
    assert dataset is not None
    assert dataset.positions_cd is not None
    assert view.enabled == (True, True, "")
    start = dataset.positions_cd[:1]
    view.stroke_drawn.emit("p", start, 0.1, False, False)
    view.stroke_drawn.emit("p", dataset.positions_cd[:2], 0.1, False, True)
    assert [row.name for row in view.groups] == ["p"]  # type: ignore[attr-defined]
    assert session.state.colouring.channel == ALL_GROUPS
    session.undo()
    assert not session.state.groups
    assert not session.can_undo
    view.group_named.emit("nobody")
    assert "No cells are selected" in session.messages[-1].text
    view.data_save_requested.emit(None)
    assert "never in a file" in session.messages[-1].text
    presenter.close()
