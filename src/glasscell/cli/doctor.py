"""``glasscell doctor``: what this computer has, what is missing, and what to install."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Literal

import typer

from glasscell.cli.console import print_json, print_table
from glasscell.cli.option import JsonOption

Verdict = Literal["ok", "warn", "missing"]
BINDINGS = ("PyQt6", "PySide6")
#: Package, what it is for, how to get it.
OPTIONAL = (
    ("spatialdata", "SpatialData folders", "pip install 'glasscell[spatial]'"),
    (
        "spatialdata_io",
        "vendor folders (Xenium, CosMx, MERSCOPE, Visium HD)",
        "pip install 'glasscell[spatial]'",
    ),
    ("scvi", "models of scvi-tools", "pip install 'glasscell[scvi]'"),
)
LEAST_FREE = 2 << 30
# A broken driver ends the process that asks it, so another process asks.
_ASK_GL = """
import sys
from qtpy.QtGui import QGuiApplication, QOffscreenSurface, QOpenGLContext
app = QGuiApplication(sys.argv)
context, surface = QOpenGLContext(), QOffscreenSurface()
surface.create()
if not context.create() or not context.makeCurrent(surface):
    raise SystemExit("no context")
from vispy.gloo import gl
sys.stdout.write("GL: %s, %s" % (gl.glGetParameter(gl.GL_VERSION), gl.glGetParameter(gl.GL_RENDERER)))
sys.stdout.flush()
import os
os._exit(0)
"""


@dataclass(frozen=True)
class Finding:
    """One thing looked at; ``advice`` says what to do unless all is well."""

    name: str
    verdict: Verdict
    found: str
    advice: str = ""


def doctor_command(json: JsonOption = False) -> None:
    """Look at Python, Qt, OpenGL, the accelerator, memory and optional packages.

    The exit code is 1 when something that the window needs is missing.
    """
    findings = examine()
    if json:
        print_json({"findings": [asdict(one) for one in findings]})
    else:
        words = {"ok": "ok", "warn": "note", "missing": "MISSING"}
        rows = [[one.name, words[one.verdict], one.found, one.advice] for one in findings]
        print_table("", ["", "", "found", "what to do"], rows)
    if any(one.verdict == "missing" for one in findings):
        raise typer.Exit(1)


def examine() -> tuple[Finding, ...]:
    """Look at everything; nothing that is missing or broken raises."""
    return (_python(), _qt(), _napari(), _gl(), _accelerator(), _memory(), *map(_optional, OPTIONAL))


def _python() -> Finding:
    return Finding("Python", "ok", f"{platform.python_version()} on {platform.platform(terse=True)}")


def _qt() -> Finding:
    there = [f"{name} {_version(name)}" for name in BINDINGS if _has(name)]
    if not there:
        return Finding("Qt", "missing", "none", "pip install 'glasscell[qt]'")
    return Finding("Qt", "ok", ", ".join(there))


def _napari() -> Finding:
    if not _has("napari"):
        return Finding("napari", "missing", "none", "pip install 'glasscell[qt]'")
    return Finding("napari", "ok", _version("napari"))


def _gl() -> Finding:
    if not any(map(_has, BINDINGS)):
        return Finding("OpenGL", "missing", "cannot be asked without Qt", "install Qt first")
    shown = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if sys.platform.startswith("linux") and not shown:
        advice = "run the window on a desktop, or under xvfb-run; fit, explain and figure need none"
        return Finding("OpenGL", "warn", "no display", advice)
    advice = "update the graphics driver; on Linux: apt install libgl1 libegl1 libxcb-cursor0"
    try:
        asked = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _ASK_GL],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return Finding("OpenGL", "missing", "no answer", advice)
    told = asked.stdout.partition("GL: ")[2].strip()
    if not told:
        return Finding(
            "OpenGL", "missing", (asked.stderr.strip().splitlines() or ["no answer"])[-1][:80], advice
        )
    soft = any(word in told.lower() for word in ("llvmpipe", "softpipe", "swiftshader"))
    return Finding(
        "OpenGL", "warn" if soft else "ok", told, "drawn in software: works, slower" if soft else ""
    )


def _accelerator() -> Finding:
    if not _has("torch"):
        return Finding("torch", "missing", "none", "pip install torch")
    try:
        import torch

        if torch.cuda.is_available():
            return Finding("torch", "ok", f"{torch.__version__}, CUDA: {torch.cuda.get_device_name(0)}")
        if torch.backends.mps.is_available():
            return Finding("torch", "ok", f"{torch.__version__}, MPS")
        return Finding(
            "torch", "warn", f"{torch.__version__}, CPU only", "training works, slower than on a GPU"
        )
    except Exception as error:
        return Finding("torch", "missing", f"{type(error).__name__}: {error}"[:80], "install torch again")


def _memory() -> Finding:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return Finding("memory", "warn", "unknown", "large explanations are made in blocks")
    text = f"{free / 2**30:.1f} of {total / 2**30:.1f} GB free"
    low = free < LEAST_FREE
    return Finding(
        "memory", "warn" if low else "ok", text, "close other programs for large data" if low else ""
    )


def _optional(entry: tuple[str, str, str]) -> Finding:
    name, purpose, how = entry
    if _has(name):
        return Finding(name, "ok", _version(name.replace("_", "-")))
    return Finding(name, "warn", f"none; for {purpose}", how)


def _has(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _version(name: str) -> str:
    try:
        return version("scvi-tools" if name == "scvi" else name)
    except PackageNotFoundError:
        return "of unknown version"
