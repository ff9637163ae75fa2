"""Colour by anything in a notebook: type, click, switch off, recolour, limit; nothing shown is a wish."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from glasscell.data.channel import CellValues, ChannelRef
from glasscell.data.dataset import Dataset
from glasscell.session import Session
from glasscell.testing.planted import planted_adata
from glasscell.views.colour import Default, colour_table
from glasscell.views.colour_presenter import ColourPresenter
from glasscell.views.search import Hit

pytest.importorskip("ipywidgets")
from glasscell.jupyter.colour import JupyterColourView
from glasscell.jupyter.sheet import Heat, Sheet

MARKUP = "<img src=x onerror=alert(1)>"
INTENTS = (
    "query_typed",
    "channel_requested",
    "limits_requested",
    "category_toggled",
    "category_recoloured",
)


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


def categories() -> CellValues:
    return CellValues("layer", codes=np.arange(12) % 4 - 1, categories=(MARKUP, "0", "1"))


def bar_of(centre: float | None, limits: tuple[float, float] | None = None) -> Any:
    numbers = np.linspace(-2, 8, 101, dtype=np.float32)
    values = CellValues("g", unit="log counts", values=numbers, centre=centre)
    return colour_table(values, colouring=Default(limits=limits)).bar


def pixels(view: JupyterColourView) -> np.ndarray:  # type: ignore[type-arg]
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(view.bar.strip.value)))


def test_typing_lists_hits_and_enter_or_a_click_takes_one() -> None:
    view = JupyterColourView()
    heard = told(view)
    hits = [Hit(ChannelRef.make("gene", g), g, "gene") for g in ("PCP4", MARKUP)]
    view.set_hits(hits)
    assert not shown(view.hits), "the list opens only while somebody types"
    view.search.value = "pc"
    assert heard == [("query_typed", "pc")]
    view.set_hits(hits)
    assert shown(view.hits)
    assert view.hits.rows[1] == (MARKUP, "gene")
    send(view.hits, "clicked", 0, 0, key=repr(hits[1].ref))
    assert heard[1:] == [("channel_requested", hits[1].ref)]
    assert view.search.value == MARKUP
    assert not shown(view.hits)
    view.search.value = "pcp"
    view.search._handle_custom_msg({"event": "submit"}, [])
    assert heard[-1] == ("channel_requested", hits[0].ref)


def test_the_legend_switches_off_recolours_and_counts() -> None:
    view = JupyterColourView()
    heard = told(view)
    view.set_legend(colour_table(categories(), np.arange(12) < 6).legend)
    assert [row[2] for row in view.legend.rows] == [MARKUP, "0", "1", "no value"]
    assert view.legend.rows[0][3] == "2 / 3"
    assert isinstance(view.legend.rows[3][1], Heat), "a colour of its own, that nobody can change"
    assert not heard
    send(view.legend, "changed", 0, 0, value=False)
    send(view.legend, "changed", 1, 1, value="#123456")
    send(view.legend, "changed", 1, 1, value="url(x)")
    send(view.legend, "changed", 3, 0, value=True)
    assert heard == [("category_toggled", MARKUP, False), ("category_recoloured", "0", "#123456")]


def test_limits_are_typed_offered_and_let_go() -> None:
    view = JupyterColourView()
    heard = told(view)
    view.set_colour_bar(bar_of(None))
    assert view.bar.unit.text == "log counts"
    assert view.bar.automatic.disabled
    assert [place.text for place in view.bar.ticks] == ["-1.9", "3", "7.9"]
    assert not heard
    low = bar_of(None).low
    view.bar.high.value = "0,001"
    assert heard.pop() == ("limits_requested", (low, 0.001))
    view.bar.offers[0].click()
    assert heard.pop() == ("limits_requested", (-2.0, 8.0))
    view.bar.high.value = "many"
    assert view.bar.high.value == "7.9"
    view.bar.high.value = "-5"
    assert view.bar.high.value == "7.9", "no range from right to left"
    assert not heard
    view.set_colour_bar(bar_of(None, (0.0, 1.0)))
    view.bar.automatic.click()
    assert heard == [("limits_requested", None)]


def test_a_diverging_range_stays_symmetric() -> None:
    view = JupyterColourView()
    heard = told(view)
    view.set_colour_bar(bar_of(0.0))
    assert view.bar.low.disabled
    assert view.bar.ticks[1].text == "0"
    view.bar.high.value = "3"
    assert heard == [("limits_requested", (-3.0, 3.0))]


def test_clipping_is_marked_in_words_and_pixels() -> None:
    view = JupyterColourView()
    view.set_colour_bar(bar_of(None, (-3.0, 9.0)))
    assert view.bar.marks.text == ""
    clear = pixels(view)
    assert not clear[:, :20, 3].any()
    assert not clear[:, -20:, 3].any()
    assert (clear[:, 20:-20, 3] == 255).all()
    assert tuple(clear[5, 20, :3]) != tuple(clear[5, -21, :3])
    view.set_colour_bar(bar_of(None, (0.0, 5.0)))
    assert view.bar.marks.text == "Clipped: 20 below 0, 30 above 5"
    marked = pixels(view)
    assert marked[16, :20, 3].sum() > 15 * 255
    assert marked[0, 19, 3] == 255
    assert marked[0, 0, 3] == 0
    assert len(np.unique(marked[16, -20:, :3], axis=0)) >= 2, "hatched"


@pytest.fixture
def session() -> Iterator[Session]:
    adata = planted_adata(n_cells=120, n_genes=30)
    adata.obs["kind"] = np.array([MARKUP, "b"])[np.arange(120) % 2]
    made = Session()
    made.open_dataset(Dataset(adata))
    yield made
    assert made.close()


def test_a_session_is_coloured_from_the_notebook(session: Session) -> None:
    view = JupyterColourView()
    presenter = ColourPresenter(session, view)
    session.jobs.wait_idle(20)
    view.search.value = "kind"
    send(view.hits, "clicked", 0, 0)
    session.jobs.wait_idle(20)
    assert session.state.colouring.channel == ChannelRef.make("obs", "kind")
    assert [row[2] for row in view.legend.rows] == [MARKUP, "b"]
    assert view.title.text == "kind"
    assert not shown(view.bar.widget)
    send(view.legend, "changed", 0, 0, value=False)
    assert session.state.colouring.hidden == (MARKUP,)
    assert view.legend.rows[0][0] is False
    view.search.value = str(session.dataset.genes.names[3])  # type: ignore[union-attr]
    view.search._handle_custom_msg({"event": "submit"}, [])
    session.jobs.wait_idle(20)
    assert shown(view.bar.widget)
    assert not shown(view.legend)
    view.bar.high.value = "9.5"
    assert session.state.colouring.limits is not None
    assert session.state.colouring.limits[1] == 9.5
    view.bar.automatic.click()
    assert session.state.colouring.limits is None
    presenter.close()
