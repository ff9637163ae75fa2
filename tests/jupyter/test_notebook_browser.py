"""The same views in Notebook 7, the other page that Jupyter has for notebooks."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from .browser import Lab, until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("notebook") is None, reason="needs Notebook 7 (pip install notebook)"),
]

CELL = """
import glasscell
from glasscell.data.sample import sample_path
ex = glasscell.explore(sample_path())
ex
"""


def test_views_are_drawn_linked_and_steered(browser: Any, tmp_path: Path) -> None:
    server = Lab(tmp_path, "notebook")
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    try:
        address = server.write("seven.ipynb", CELL)
        page = context.new_page()
        page.goto(address.replace("lab/workspaces/seven/tree", "notebooks"), wait_until="domcontentloaded")
        page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=240_000)
        until(
            lambda: [one for one in server.ask("api/kernels") or [] if one["execution_state"] == "idle"],
            240,
            "",
        )
        ear = server.kernel("seven.ipynb")
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        canvas = page.locator(".renderview-wrapper").first
        canvas.wait_for(timeout=120_000)
        until(lambda: ear.value("ex.session.dataset is not None"), 240, "the sample")
        page.wait_for_timeout(2000)
        plain = canvas.screenshot()
        ear.value("ex.colour('PCP4')")
        until(lambda: canvas.screenshot() != plain, 60, "the colours of a gene")
        chosen = ear.value("(ex.select('layer=L5'), len(ex.selection))[1]")
        assert chosen == ear.value("int((ex.dataset.obs['layer'] == 'L5').sum())") > 0
        page.get_by_text("Model", exact=True).first.click()
        page.get_by_text("Train", exact=True).first.wait_for(timeout=60_000)
        ear.close()
    finally:
        context.close()
        server.close()
