"""``glasscell doctor``: what this computer has, what is missing, and what to install."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any, Literal

import typer

from glasscell.cli.console import print_json
from glasscell.cli.option import JsonOption
from glasscell.cli.probe import SCRIPTS, Answer, ask

Verdict = Literal["ok", "note", "missing"]
BINDINGS = ("PyQt6", "PySide6")
#: What each optional part of Glasscell is for.
EXTRAS = {
    "spatial": "SpatialData and the folders of vendors",
    "scvi": "models of scvi-tools",
    "graph": "graph networks",
    "jupyter": "notebooks",
    "dask": "data larger than memory",
}
OLDEST_PYTHON = (3, 11)
OLDEST_GL = 2.1
LEAST_MEMORY, LEAST_DISK = 2 << 30, 2 << 30
_QT_LIBRARIES = "sudo apt install libgl1 libegl1 libxkbcommon-x11-0 libxcb-cursor0"
_SOFTWARE = ("llvmpipe", "softpipe", "swiftshader", "software")


@dataclass(frozen=True)
class Finding:
    """One thing looked at; ``advice`` says what to do unless all is well."""

    name: str
    verdict: Verdict
    found: str
    advice: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def doctor_command(json: JsonOption = False) -> None:
    """Look at Python, libraries, Qt, display, OpenGL, accelerator, memory, disk and optional parts.

    The exit code is 0 when the main job can be done here, 1 when something that it needs is missing.
    """
    findings = examine()
    works = not any(one.verdict == "missing" for one in findings)
    end = "The main job works here." if works else "The main job does not work here yet: see MISSING above."
    if json:
        print_json({"works": works, "findings": [asdict(one) for one in findings]})
    else:
        typer.echo("\n".join([*map(_line, findings), "", end]))
    if not works:
        raise typer.Exit(1)


def examine() -> tuple[Finding, ...]:
    """Look at everything; nothing that is missing or broken raises."""
    with ThreadPoolExecutor(len(SCRIPTS)) as pool:
        window, torch, numba = pool.map(ask, ("window", "torch", "numba"))
    qt = _qt(window)
    return (
        _python(),
        _libraries(),
        qt,
        _window(window),
        _gl(window),
        _torch(torch),
        _numba(numba),
        _memory(),
        _disk(),
        *(_extra(name) for name in EXTRAS),
    )


def _line(one: Finding) -> str:
    words = {"ok": "ok", "note": "note", "missing": "MISSING"}
    text = f"{words[one.verdict]:8} {one.name:10} {one.found}"
    return f"{text}\n{'':20}-> {one.advice}" if one.advice else text


def _python() -> Finding:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    facts = {"version": platform.python_version(), "platform": platform.platform(), "path": sys.executable}
    if sys.version_info < OLDEST_PYTHON:
        return Finding("Python", "missing", found, "install Python 3.11 or newer", facts)
    return Finding("Python", "ok", found, facts=facts)


def _libraries() -> Finding:
    """Compare every library that Glasscell requires with what is installed."""
    wanted = _required("")
    if not wanted:
        return Finding("libraries", "note", "Glasscell runs from a folder", "pip install 'glasscell[qt]'")
    there = {name: _version(name) for name in wanted}
    lacking = [name for name, found in there.items() if found is None]
    old = [
        name for name, found in there.items() if found is not None and _below(found, wanted[name])
    ]  # an upper bound is left to pip: newer is seldom broken
    found = ", ".join(f"{name} {number or 'MISSING'}" for name, number in there.items())
    if lacking or old:
        bad = " ".join(f"'{name}{wanted[name]}'" for name in (*lacking, *old))
        return Finding("libraries", "missing", found, f"pip install {bad}", dict(there))
    return Finding("libraries", "ok", found, facts=dict(there))


def _qt(window: Answer) -> Finding:
    there = {name: _version(name) for name in BINDINGS}
    if "qt" in window.steps:
        qt = window.steps["qt"]
        facts = {"binding": qt["binding"], "qt": qt["version"], **there}
        return Finding("Qt", "ok", f"{qt['binding']} with Qt {qt['version']}", facts=facts)
    if not any(there.values()):
        return Finding("Qt", "missing", "no binding", "pip install 'glasscell[qt]'", dict(there))
    why = window.steps.get("refused", {}).get("why", window.error)
    advice = f"pip install --force-reinstall PyQt6; on Linux also: {_QT_LIBRARIES}"
    return Finding("Qt", "missing", f"cannot be loaded: {why}", advice, dict(there))


def _window(window: Answer) -> Finding:
    name = "window"
    if "window" in window.steps:
        facts = window.steps["window"]
        where = f"{facts['width']} x {facts['height']}, {facts['platform']}"
        small = facts["width"] < 1366 or facts["height"] < 768
        return Finding(
            name, "note" if small else "ok", where, "1366 x 768 shows everything" if small else "", facts
        )
    if "qt" not in window.steps:
        return Finding(name, "note", "cannot be asked without Qt", "mend Qt first")
    if _headless():
        how = "run it on a desktop or with xvfb-run; info, fit, explain, figure and report need none"
        how += "" if shutil.which("xvfb-run") else " (sudo apt install xvfb)"
        return Finding(name, "note", "no display", how)
    return Finding(name, "missing", f"cannot be opened: {window.error}", _QT_LIBRARIES)


def _gl(window: Answer) -> Finding:
    name = "OpenGL"
    if "window" not in window.steps:
        return Finding(
            name, "note", "cannot be asked without a window", "ask again where a window can be opened"
        )
    if "gl" not in window.steps:
        advice = f"update the graphics driver, or set LIBGL_ALWAYS_SOFTWARE=1; on Linux: {_QT_LIBRARIES}"
        return Finding(name, "missing", window.error or "no answer", advice)
    facts = window.steps["gl"]
    found = f"{facts['version']}, {facts['renderer']}, {facts['vendor']}"
    number = re.match(r"\D*(\d+\.\d+)", facts["version"])
    if number and float(number[1]) < OLDEST_GL:
        return Finding(name, "missing", found, f"update the graphics driver: {OLDEST_GL} is needed", facts)
    if any(word in facts["renderer"].lower() for word in _SOFTWARE):
        return Finding(
            name, "note", found, "drawn in software: works, slower; a graphics driver would help", facts
        )
    return Finding(name, "ok", found, facts=facts)


def _torch(torch: Answer) -> Finding:
    if "torch" not in torch.steps:
        why = torch.error if _version("torch") else "none"
        return Finding("torch", "missing", why, "pip install --force-reinstall 'torch>=2.10'")
    number, threads = torch.steps["torch"]["version"], torch.steps["torch"]["threads"]
    facts = {"version": number, "threads": threads, **torch.steps.get("device", {})}
    if "device" not in torch.steps:
        advice = "update the NVIDIA driver, or set GLASSCELL_DEVICE=cpu"
        return Finding("torch", "note", f"{number}, broken accelerator: {torch.error}", advice, facts)
    if cards := facts["cards"]:
        words = (f"{one['name']} ({_gb(one['free'])} of {_gb(one['total'])} GB free)" for one in cards)
        return Finding("torch", "ok", f"{number}, CUDA {facts['cuda']}: {', '.join(words)}", facts=facts)
    if facts["mps"]:
        return Finding("torch", "ok", f"{number}, MPS, shares the memory below", facts=facts)
    advice = (
        "works, slower; with an NVIDIA card install torch for CUDA: https://pytorch.org/get-started/locally"
    )
    return Finding("torch", "note", f"{number}, CPU with {threads} threads", advice, facts)


def _numba(numba: Answer) -> Finding:
    if "compiled" not in numba.steps:
        why = numba.error if _version("numba") else "none"
        return Finding("numba", "missing", why, "pip install --force-reinstall numba llvmlite")
    facts = {**numba.steps["numba"], **numba.steps["compiled"]}
    return Finding("numba", "ok", f"{facts['version']} compiles, {facts['threads']} threads", facts=facts)


def _memory() -> Finding:
    from glasscell.data.guard_size import total_memory
    from glasscell.explain.memory import free_bytes

    free = free_bytes()
    total = total_memory()
    facts = {"free": free, "total": total}
    if free is None:
        return Finding("memory", "note", "unknown", "large explanations are made in blocks", facts)
    found = f"{_gb(free)} GB free" + (f" of {_gb(total)} GB" if total else "")
    low = free < LEAST_MEMORY
    return Finding("memory", "note" if low else "ok", found, "close other programs" if low else "", facts)


def _disk() -> Finding:
    try:
        disk = shutil.disk_usage(Path.cwd())
    except OSError as error:
        return Finding("disk", "note", str(error), "change to a folder that can be written to")
    low = disk.free < LEAST_DISK
    found = f"{_gb(disk.free)} GB free of {_gb(disk.total)} GB here"
    facts = {"free": disk.free, "total": disk.total}
    return Finding("disk", "note" if low else "ok", found, "make room before saving" if low else "", facts)


def _extra(name: str) -> Finding:
    there = {package: _version(package) for package in _required(name)}
    if there and all(there.values()):
        words = ", ".join(f"{package} {number}" for package, number in there.items())
        return Finding(name, "ok", words, facts=dict(there))
    advice = f"only for {EXTRAS[name]}: pip install 'glasscell[{name}]'"
    lacking = ", ".join(package for package, number in there.items() if number is None)
    return Finding(name, "note", f"without {lacking}" if lacking else "not there", advice, dict(there))


def _headless() -> bool:
    places = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return sys.platform.startswith("linux") and not any(os.environ.get(place) for place in places)


def _required(extra: str) -> dict[str, str]:
    """Map the packages of an extra ('' for the core) to the versions asked for, as our own metadata says."""
    try:
        lines = requires("glasscell") or []
    except PackageNotFoundError:
        return {}
    found = {}
    for line in lines:
        what, _, marker = line.partition(";")
        names = re.findall(r"extra\s*==\s*['\"]([^'\"]+)['\"]", marker)
        if names == ([extra] if extra else []) and (match := re.match(r"[\w.-]+", what)):
            found[match[0]] = re.sub(r"\[.*?\]", "", what[match.end() :]).strip()
    return found


def _below(found: str, wanted: str) -> bool:
    """Tell whether a version is older than the ``>=`` of a requirement."""
    least = re.search(r">=\s*([\d.]+)", wanted)
    return least is not None and _numbers(found) < _numbers(least[1])


def _numbers(text: str) -> list[int]:
    """Turn '2.10.0rc1' into [2, 10]; what follows the release does not count, nor do trailing zeros."""
    match = re.match(r"\d+(\.\d+)*", text)
    numbers = [int(part) for part in match[0].split(".")] if match else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return numbers


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _gb(size: float) -> str:
    return f"{size / 2**30:.1f}"
