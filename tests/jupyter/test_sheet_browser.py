"""Tables in a real browser: what is pressed stays, late clicks name their row, texts stay text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("ipywidgets")
from glasscell.jupyter.sheet import HERE, Column, Heat, Sheet

from .browser import CHROMIUM

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="needs a Chromium browser"),
]

EVIL = "<img src=x onerror='window.harmed=1'>"
COLUMNS = [Column(EVIL, EVIL, kind) for kind in ("words", "progress", "button", "swatch", "check")]
PAGE = """
<div id="place"></div><script type="module">
%s
const heard = {};
window.sent = [];
window.model = {
  data: %s, get(name) { return this.data[name]; }, send(message) { sent.push(message); },
  on(name, then) { heard[name] = then; }, off() {},
  set(data) { Object.assign(this.data, data); for (const name in data) heard["change:" + name]?.(); },
};
render({ model, el: document.getElementById("place") });
window.ready = true;
</script>"""


def state(sheet: Sheet) -> dict[str, Any]:
    return {name: getattr(sheet, name) for name in ("_columns", "_body", "_height", "_heads", "_hover")}


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """Show a table with two rows."""
    sheet = Sheet(COLUMNS)
    sheet.show(rows(0.2), [EVIL], keys=[7, 9], strong=[1])
    script = (HERE / "sheet.js").read_text().replace("export default { render };", "")
    shown = browser.new_page()
    shown.set_content(PAGE % (script, json.dumps(state(sheet)).replace("<", "\\u003c")))
    shown.wait_for_function("window.ready")
    yield shown
    shown.close()


def rows(done: float) -> list[tuple[Any, ...]]:
    return [(f"{EVIL}\n{done}", done, "Cancel", "#ff0000", True), ("b", "", "", Heat("#00ff00"), "")]


def show(page: Any, lines: list[tuple[Any, ...]], keys: list[int]) -> None:
    sheet = Sheet(COLUMNS)
    sheet.show(lines, keys=keys)
    page.evaluate("body => model.set({ _body: body })", state(sheet)["_body"])


def test_texts_stay_text_and_an_empty_place_stays_empty(page: Any) -> None:
    assert page.locator("td").first.text_content() == f"{EVIL}\n0.2"
    assert page.locator("img").count() == 0
    assert page.evaluate("window.harmed") is None
    assert page.locator("tbody progress, tbody button, tbody input").count() == 4, "those of the first row"
    style = page.locator("tbody tr:nth-child(2) td:nth-child(4)").get_attribute("style")
    assert "rgb(0, 255, 0)" in style


def test_a_button_that_is_held_while_other_places_change_is_still_pressed(page: Any) -> None:
    page.locator("tbody button").hover()
    page.mouse.down()
    show(page, rows(0.6), [7, 9])
    page.mouse.up()
    assert page.evaluate("sent") == [{"type": "clicked", "row": 0, "column": 2, "key": 7}]
    assert page.locator("progress").evaluate("bar => bar.value") == 0.6


def test_a_box_tells_its_row_and_rows_come_and_go(page: Any) -> None:
    page.locator("input[type=checkbox]").click()
    assert page.evaluate("sent") == [{"type": "changed", "row": 0, "column": 4, "key": 7, "value": False}]
    show(page, rows(0.2), [7, 9])
    assert page.locator("input[type=checkbox]").is_checked(), "a wish that was not met is taken back"
    show(page, rows(0.2)[1:], [9])
    assert page.locator("tbody tr").count() == 1
    assert page.locator("tbody button").count() == 0
    page.locator("tbody td").first.click()
    assert page.evaluate("sent.at(-1)") == {"type": "clicked", "row": 0, "column": 0, "key": 9}
