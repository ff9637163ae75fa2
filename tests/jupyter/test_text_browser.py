"""Names from files are text in a real browser, whatever is in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EVIL = '<img src=x onerror="window.harmed=1">$\\\\alpha$'

CELL = f"""
from glasscell.jupyter.panel import Choice, Words, button, column
from glasscell.jupyter.sheet import Bar, Column, Heat, Sheet
from IPython.display import display
evil = '{EVIL}'
kinds = ("bar", "heat", "button")
sheet = Sheet([Column(evil, evil), *(Column(kind, "", kind) for kind in kinds)])
sheet.show([(evil, Bar(0.5), Heat("#102030", evil, evil), evil)], [evil])
choice = Choice("names")
choice.offer([(evil, evil), ("b", "b")])
clicks = []
sheet.clicked.connect(lambda row, column: clicks.append((row, column)))
display(column(Words(evil), sheet, choice, button(evil, evil)))
"""


def test_markup_in_names_is_shown_as_text(notebook: Callable[..., Any]) -> None:
    page, ear = notebook("evil.ipynb", CELL)
    page.wait_for_selector(".glasscell-sheet td", timeout=60_000)
    page.wait_for_timeout(500)
    assert page.evaluate("window.harmed") is None
    assert page.locator(".jp-OutputArea img").count() == 0
    assert (
        page.locator(".glasscell-sheet td")
        .first.inner_text()
        .startswith('<img src=x onerror="window.harmed=1">')
    )
    assert page.locator(".jp-OutputArea .MathJax, .jp-OutputArea mjx-container").count() == 0
    page.locator(".glasscell-sheet td").first.click()
    page.wait_for_timeout(300)
    assert ear.value("clicks") == [[0, 0]]
