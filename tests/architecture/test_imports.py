"""Who may import whom, and what an import may load."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "scanpy", "napari", "qtpy", "PyQt6", "pyqtgraph", "matplotlib", "captum", "lightning")


def loaded_by(code: str) -> set[str]:
    """Run code in a fresh interpreter and return the top-level modules it loaded."""
    script = (
        f"{code}\nimport json, sys; print(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    ("code", "forbidden"),
    [
        ("import glasscell", HEAVY),
        ("import glasscell; glasscell.read; glasscell.Dataset", HEAVY),
        ("import glasscell.models, glasscell.explain", HEAVY),
        ("import glasscell.session", ("torch", "scanpy", "napari", "PyQt6", "pyqtgraph", "matplotlib")),
        (
            "import glasscell.views.view, glasscell.views.raster, glasscell.views.colour",
            ("torch", "napari", "PyQt6"),
        ),
        ("import glasscell.cli.app", ("torch", "scanpy", "napari", "PyQt6")),
    ],
)
def test_fresh_import_stays_light(code: str, forbidden: tuple[str, ...]) -> None:
    assert not loaded_by(code) & set(forbidden)


def test_reading_a_file_loads_no_torch(tmp_path: Path) -> None:
    code = f"""
import numpy as np, anndata, glasscell
path = {str(tmp_path / "a.h5ad")!r}
anndata.AnnData(np.ones((3, 2), np.float32)).write_h5ad(path)
print(glasscell.read(path).n_cells)
"""
    assert not loaded_by(code) & {"torch", "scanpy", "napari", "PyQt6"}


def test_import_contracts() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
