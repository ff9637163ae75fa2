"""A kernel works without a window toolkit: none is imported, none is needed, and no GL library is loaded."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from glasscell.testing.planted import planted_adata

#: What draws windows, and what only they need.
TOOLKITS = ("PyQt5", "PyQt6", "PySide2", "PySide6", "qtpy", "napari", "vispy", "pyqtgraph", "OpenGL")
#: Packages that bring compiled Qt or GL along.
BINDINGS = re.compile(r"(pyqt|pyside|shiboken)\d|glfw|mesa|pyopengl-accelerate|swiftshader")
#: Files of a wheel, or of a system, that are Qt or GL.
LIBRARIES = re.compile(
    r"(?:^|/)(?:lib)?(?:Qt\d|GL|EGL|GLX|OpenGL|GLES|OSMesa)\w*(?:-\w+)?\.(?:so|dll|dylib)", re.M
)

#: What a machine without them is like, for an interpreter on one that has them.
WITHOUT = f"""
import ctypes, ctypes.util, importlib.abc, sys

class NoWindows(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {TOOLKITS!r}:
            raise ImportError(f"{{name}}: there are no windows here")
        return None

def is_gl(name):
    base = str(name or "").rpartition("/")[2].removeprefix("lib").partition(".")[0]
    return base in ("GL", "EGL", "GLX", "OpenGL", "GLESv2", "OSMesa", "glfw", "X11", "xcb")

class OnlyOthers(ctypes.CDLL):
    def __init__(self, name=None, *args, **kwargs):
        if is_gl(name):
            raise OSError(f"{{name}}: cannot open shared object file")
        super().__init__(name, *args, **kwargs)

find_any = ctypes.util.find_library
ctypes.util.find_library = lambda name: None if is_gl(name) else find_any(name)
ctypes.CDLL = ctypes.cdll._dlltype = OnlyOthers
sys.meta_path.insert(0, NoWindows())
for call in (lambda: __import__("napari"), lambda: ctypes.CDLL("libGL.so.1")):
    try:
        call()
    except (ImportError, OSError):
        continue
    raise SystemExit("this interpreter still finds what it should not")
"""

#: A short morning on an asyncio loop, as in a kernel.
WORK = f"""
import asyncio, json, sys

async def until(condition, what):
    for _ in range(6000):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError(what)

async def main():
    import glasscell
    from glasscell.jupyter.layout import TABS

    ex = glasscell.explore("toy.h5ad")
    await ex.opening
    canvas = ex.layout.views["Tissue"].canvas
    canvas.frame.handle_event({{"type": "resize", "width": 320.0, "height": 240.0, "ratio": 1.0}})
    still = lambda: canvas.scene.ready and not canvas.scene.stale and not ex.session.jobs.active
    await until(still, "the tissue")
    first = canvas.frame.get_frame()
    gene = str(ex.dataset.genes.names[5])
    ex.colour(gene)
    await until(lambda: gene in ex.layout.views["Colour by"].title.text and still(), "the colours of a gene")
    second = canvas.frame.get_frame()
    bundle = await ex.fit("classifier", labels="label", params={{"max_epochs": 1}})
    for name in TABS:
        ex.open(name)
    report = {{
        "cells": ex.dataset.n_cells,
        "shape": first.shape,
        "colours": len({{tuple(pixel) for pixel in second.reshape(-1, 3).tolist()}}),
        "changed": int((first != second).any(axis=2).sum()),
        "model": ex.bundle is not None and ex.bundle.fingerprint == bundle.fingerprint,
        "imported": [name for name in {TOOLKITS!r} if name in sys.modules],
    }}
    ex.close()
    return report

report = asyncio.run(main())
try:
    with open("/proc/self/maps") as maps:
        report["mapped"] = sorted({{line.split()[-1] for line in maps if ".so" in line}})
except OSError:
    report["mapped"] = []
print("report", json.dumps(report))
"""


@pytest.mark.parametrize("before", ["", WITHOUT], ids=["with", "without"])
def test_a_morning_in_a_fresh_interpreter(before: str, tmp_path: Path) -> None:
    hidden = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    planted_adata(n_cells=300, n_genes=40, seed=3).write_h5ad(tmp_path / "toy.h5ad")
    done = subprocess.run(
        [sys.executable, "-c", before + WORK],
        capture_output=True,
        text=True,
        timeout=800,
        cwd=tmp_path,
        env={**hidden, "GLASSCELL_STATE_FOLDER": str(tmp_path)},
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("report ")]
    assert lines, done.stdout + done.stderr[-3000:]
    report = json.loads(lines[-1].removeprefix("report "))
    assert report["imported"] == []
    assert LIBRARIES.findall("\n".join(report["mapped"])) == []
    assert report["cells"] == 300
    assert report["shape"] == [240, 320, 3]
    assert report["colours"] > 20, "no gene is painted"
    assert report["changed"] > 2000, "the frame is that of before"
    assert report["model"]


def wanted(extra: str) -> set[str]:
    """Names of all that ``pip install glasscell[extra]`` brings here."""
    rows, met = [("glasscell", extra)], set[tuple[str, str]]()
    while rows:
        row = name, chosen = rows.pop()
        if row in met:
            continue
        met.add(row)
        for asked in map(Requirement, requirements(name)):
            if asked.marker is None or asked.marker.evaluate({"extra": chosen}):
                key = asked.name.lower().replace("_", "-")
                rows += [(key, each) for each in ("", *asked.extras)]
    return {name for name, _ in met if name != "glasscell"}


def requirements(name: str) -> list[str]:
    """What a package asks for; nothing where it is not installed."""
    try:
        return metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return []


def record(name: str) -> str:
    """What a package installed here, a file per line."""
    try:
        return metadata.distribution(name).read_text("RECORD") or ""
    except metadata.PackageNotFoundError:
        return ""


def test_the_extra_brings_neither_qt_nor_gl() -> None:
    brought = wanted("jupyter")
    assert {"ipywidgets", "jupyter-rfb", "torch", "napari"} <= brought, "the walk over requirements is broken"
    assert [name for name in sorted(brought) if BINDINGS.search(name)] == []
    shipped = "\n".join(record(name) for name in sorted(brought))
    assert "torch/__init__.py" in shipped
    assert LIBRARIES.findall(shipped) == []


def test_the_extra_of_windows_is_told_from_it() -> None:
    assert any(BINDINGS.search(name) for name in wanted("qt")), "the rule would miss a Qt binding"
    assert LIBRARIES.search("PyQt6/Qt6/lib/libQt6Core.so.6")
    assert LIBRARIES.search("/usr/lib/x86_64-linux-gnu/libGL.so.1")
    assert not LIBRARIES.search("torch/lib/libtorch_cpu.so")
