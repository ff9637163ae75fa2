"""The page on adding a model, followed word for word: its package is built, installed and used."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from glasscell.testing.planted import planted_adata

PAGE = Path(__file__).parents[2] / "docs" / "adding_a_model.md"

CHECK = """
import sys
import numpy as np
from glasscell import read
from glasscell.models.batch import make_batch
from glasscell.models.bundle_file import load_bundle
from glasscell.testing.check import check_model
dataset, bundle = read(sys.argv[1]), load_bundle(sys.argv[2])
model = bundle.folds[0]
batch = make_batch(dataset, model, np.arange(6))
{check}
"""
WINDOW = """
from qtpy.QtWidgets import QApplication
from glasscell.qt.model import QtModelView
from glasscell.views.family_choice import family_rows
app = QApplication([])
view = QtModelView()
view.set_families(family_rows())
print([view.family.itemText(at) for at in range(view.family.count())])
"""
NOTEBOOK = """
import asyncio, sys
import glasscell
from ipywidgets import Dropdown, Widget

async def main():
    ex = glasscell.explore(sys.argv[1])
    for _ in range(600):
        await asyncio.sleep(0.05)
        if ex.session.dataset is not None:
            break
    ex.open("Model")
    await asyncio.sleep(0.2)
    offered = [list(one.options) for one in Widget.widgets.values() if isinstance(one, Dropdown)]
    print(offered)
    bundle = await ex.fit("centroid", labels="label")
    print("trained", bundle.family)
    ex.close()

asyncio.run(main())
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Build the package from the page and install it with pip, into a folder of its own."""
    source, place = tmp_path_factory.mktemp("centroid"), tmp_path_factory.mktemp("site")
    (source / "pyproject.toml").write_text(blocks("toml")[0])
    (source / "glasscell_centroid.py").write_text(blocks("python")[0])
    words = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*words, "--target", str(place), str(source)], check=True, timeout=300)
    assert list(place.glob("glasscell_centroid-0.1.dist-info/entry_points.txt"))
    path = os.pathsep.join([str(place), *filter(None, [os.environ.get("PYTHONPATH")])])
    file = source / "cells.h5ad"
    planted_adata(160, 24, n_sections=2, seed=3).write_h5ad(file)
    return file, {**os.environ, "PYTHONPATH": path, "QT_QPA_PLATFORM": "offscreen"}


def ask(words: list[str], env: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, *words], env=env, capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_the_shell_trains_and_explains_it(installed: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    file, env = installed
    _, fit, explain = blocks("bash")[0].strip().splitlines()
    fit = (
        fit.replace("cells.h5ad", str(file))
        .replace("layer", "label")
        .replace("--out model", f"--out {tmp_path}/m")
    )
    told = json.loads(ask(["-m", *fit.split(), "--split", "random", "--json"], env))
    assert told["metrics"]["accuracy"] > 0.8 > told["baselines"]["majority"]["accuracy"]
    target = told["classes"][0]
    explain = explain.replace("cells.h5ad", str(file)).replace("--model model", f"--model {tmp_path}/m")
    explain = explain.replace("class:L5", f"class:{target}")
    found = json.loads(ask(["-m", *explain.split(), "--json"], env))
    assert found["target"] == f"class:{target}"
    assert len(found["top"]) > 3
    assert found["completeness_gap"] < 0.01
    check = blocks("python")[1]
    ask(["-c", CHECK.format(check=check), str(file), str(tmp_path / "m")], env)


@pytest.mark.slow
def test_it_stands_in_the_menus_of_window_and_notebook(installed: tuple[Path, dict[str, str]]) -> None:
    file, env = installed
    assert "Nearest class mean" in ask(["-c", WINDOW], env)
    told = ask(["-c", NOTEBOOK, str(file)], env)
    assert "Nearest class mean" in told
    assert "trained centroid" in told
    without = {name: value for name, value in env.items() if name != "PYTHONPATH"}
    assert "Nearest class mean" not in ask(["-c", WINDOW], without), (
        "it came from the installed package alone"
    )
