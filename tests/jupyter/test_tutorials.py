"""The tutorials run from the first cell to the last, without a front end."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "docs" / "notebooks"
TUTORIALS = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))

pytestmark = [pytest.mark.slow]


def test_there_are_three() -> None:
    assert TUTORIALS == ["attention_and_neighbours", "attribution", "latents_and_perturbations"]


@pytest.mark.parametrize("name", TUTORIALS)
def test_tutorial(name: str, tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "tutorials are kept without outputs"
    NotebookClient(
        notebook, timeout=400, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert not [output for output in outputs if output.get("name") == "stderr" and "Error" in output["text"]]
    pictures = [each for each in outputs if "image/png" in each.get("data", {})]
    assert len(pictures) >= 2, "a tutorial is read without a kernel: it needs pictures"
