"""A notebook server and a browser, once for all tests that need them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .browser import CHROMIUM, FLAGS, Lab, run_all


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Start JupyterLab; skipped where there is no browser."""
    if not CHROMIUM:
        pytest.skip("needs a Chromium browser")
    made = Lab(tmp_path_factory.mktemp("lab"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start the browser, for one module: its driver keeps a loop running on this thread."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def notebook(lab: Lab, browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Write, open and run a notebook; returns the page and an ear in its kernel."""
    opened: list[Any] = []

    def open_one(name: str, *cells: str, size: tuple[int, int] = (1366, 768)) -> Any:
        context = browser.new_context(viewport={"width": size[0], "height": size[1]})
        page = context.new_page()
        opened.append(context)
        run_all(page, lab.write(name, *cells))
        ear = lab.kernel(name)
        opened.append(ear)
        return page, ear

    yield open_one
    for each in reversed(opened):
        each.close()
