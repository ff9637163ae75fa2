"""What the page about serving says holds."""

from __future__ import annotations

import re
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest

from .browser import Lab

PAGE = Path(__file__).parents[2] / "docs" / "deploy.md"


@pytest.mark.browser
def test_nobody_gets_in_without_the_token(lab: Lab) -> None:
    for path in ("api/contents", "api/kernels", "api/sessions"):
        request = urllib.request.Request(f"http://127.0.0.1:{lab.port}/{path}?token=wrong")
        with pytest.raises(urllib.error.HTTPError, match=r"40[13]"):
            urllib.request.urlopen(request, timeout=5)
    assert lab.ask("api/contents") is not None


def test_the_page_that_is_written_is_a_notebook(tmp_path: Path) -> None:
    (line,) = re.findall(r"^mkdir pages && (.*)$", PAGE.read_text(), re.MULTILINE)
    (tmp_path / "pages").mkdir()
    subprocess.run(["bash", "-c", line], cwd=tmp_path, check=True)
    notebook = nbformat.read(tmp_path / "pages" / "explore.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[0].source == 'import glasscell\nglasscell.explore("/data/your.h5ad")'
