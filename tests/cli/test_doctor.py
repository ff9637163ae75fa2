"""The doctor: it answers on any computer, and says what to install."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from glasscell.cli import doctor, probe
from glasscell.cli.app import run
from glasscell.cli.probe import Answer

WELL = {
    "window": Answer(
        {
            "qt": {"binding": "PyQt6", "version": "6.9"},
            "window": {"platform": "xcb", "width": 1920, "height": 1080, "ratio": 1.0},
            "gl": {"vendor": "NVIDIA", "renderer": "RTX", "version": "4.6.0"},
        }
    ),
    "torch": Answer(
        {
            "torch": {"version": "2.13", "threads": 4},
            "device": {
                "cuda": "13.0",
                "cards": [{"name": "H200", "free": 64 << 30, "total": 128 << 30}],
                "mps": False,
            },
        }
    ),
    "numba": Answer({"numba": {"version": "0.68"}, "compiled": {"threads": 4}}),
}


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Answer]:
    """What the probes say; nothing is asked."""
    made = dict(WELL)
    monkeypatch.setattr(doctor, "ask", made.__getitem__)
    return made


def ask_a_shell(*arguments: str, **environment: str) -> tuple[int, dict[str, Any]]:
    """Run the doctor in a process of its own, as a user does; return its code and findings by name."""
    kept = {name: value for name, value in os.environ.items() if "DISPLAY" not in name and "QT_" not in name}
    command = [sys.executable, "-m", "glasscell", "doctor", "--json", *arguments]
    asked = subprocess.run(command, capture_output=True, text=True, env={**kept, **environment}, check=False)
    told = json.loads(asked.stdout)
    assert told["works"] == (asked.returncode == 0)
    return asked.returncode, {one["name"]: one for one in told["findings"]}


def broken(folder: Path, *names: str) -> str:
    """Make packages that cannot be imported, and return the path that hides the real ones behind them."""
    for name in names:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(f"raise ImportError('lib{name}.so.6: cannot open')\n")
    return str(folder)


def test_a_healthy_computer_works(answers: dict[str, Answer], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor"]) == 0
    told = capsys.readouterr().out
    assert "CUDA 13.0: H200 (64.0 of 128.0 GB free)" in told
    assert "4.6.0, RTX, NVIDIA" in told
    assert "MISSING" not in told
    assert told.rstrip().endswith("The main job works here.")


def test_without_a_display_all_is_told_and_the_shell_still_works() -> None:
    code, found = ask_a_shell()
    assert code == 0
    core = {"Python", "libraries", "Qt", "window", "OpenGL", "torch", "numba", "memory", "disk"}
    assert core | set(doctor.EXTRAS) == set(found)
    assert all(one["advice"] for one in found.values() if one["verdict"] != "ok")
    assert found["libraries"]["facts"]["numpy"]
    assert found["Qt"]["verdict"] == "ok"
    if sys.platform.startswith("linux"):
        assert found["window"]["found"] == "no display"
        assert "xvfb-run" in found["window"]["advice"]


def test_qt_and_torch_that_cannot_be_imported(tmp_path: Path) -> None:
    code, found = ask_a_shell(PYTHONPATH=broken(tmp_path, "PyQt6", "PySide6", "torch"))
    assert code == 1
    assert found["Qt"]["verdict"] == found["torch"]["verdict"] == "missing"
    assert "libPySide6.so.6: cannot open" in found["Qt"]["found"]
    assert "libtorch.so.6: cannot open" in found["torch"]["found"]
    assert "pip install" in found["Qt"]["advice"]
    assert "pip install" in found["torch"]["advice"]
    assert found["numba"]["verdict"] == "ok"


def test_nothing_installed(answers: dict[str, Answer], monkeypatch: pytest.MonkeyPatch) -> None:
    answers.update({name: Answer({}, "ModuleNotFoundError") for name in answers})
    monkeypatch.setattr(doctor, "_version", lambda name: None)
    found = {one.name: one for one in doctor.examine()}
    assert found["Qt"].advice == "pip install 'glasscell[qt]'"
    assert "'torch>=2.10'" in found["libraries"].advice
    assert all(found[name].verdict == "note" for name in doctor.EXTRAS)
    assert found["scvi"].advice.endswith("pip install 'glasscell[scvi]'")
    assert run(["doctor"]) == 1


def test_a_library_that_is_too_old(answers: dict[str, Answer], monkeypatch: pytest.MonkeyPatch) -> None:
    real = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda name: "1.26.4" if name == "numpy" else real(name))
    found = doctor._libraries()
    assert (found.verdict, found.advice) == ("missing", "pip install 'numpy>=2.0'")
    assert not doctor._below("2.0", ">=2.0.0")
    assert not doctor._below("2.13.0+cpu", ">=2.10")
    assert doctor._below("2.9", ">=2.10")


@pytest.mark.parametrize(("steps", "words"), [(1, "apt install"), (2, "driver")])
def test_a_crash_in_the_driver(
    answers: dict[str, Answer], monkeypatch: pytest.MonkeyPatch, steps: int, words: str
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    reached = dict(list(WELL["window"].steps.items())[:steps])
    answers["window"] = Answer(reached, "crashed (signal 11)")
    bad = [one for one in doctor.examine() if one.verdict == "missing"]
    assert [one.name for one in bad] == [("window", "OpenGL")[steps - 1]]
    assert "signal 11" in bad[0].found
    assert words in bad[0].advice
    assert run(["doctor"]) == 1


def test_a_broken_accelerator_leaves_the_processor(answers: dict[str, Answer]) -> None:
    answers["torch"] = Answer({"torch": WELL["torch"].steps["torch"]}, "CUDA error: unknown error")
    found = {one.name: one for one in doctor.examine()}["torch"]
    assert found.verdict == "note"
    assert "GLASSCELL_DEVICE=cpu" in found.advice


def test_an_old_opengl_is_refused_and_a_software_one_noted(answers: dict[str, Answer]) -> None:
    def told(version: str, renderer: str) -> str:
        gl = {"vendor": "x", "renderer": renderer, "version": version}
        return doctor._gl(Answer({**WELL["window"].steps, "gl": gl})).verdict

    assert told("1.4 Mesa", "old") == "missing"
    assert told("4.5 (Compatibility Profile) Mesa 22", "llvmpipe (LLVM 15)") == "note"
    assert told("OpenGL ES 3.2 Mesa", "Mali") == "ok"


def test_a_probe_that_dies_or_hangs_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    dies = "tell('first', n=1)\nprint('noise')\nos.kill(os.getpid(), 11)"
    hangs = "tell('first', n=1)\nimport time\ntime.sleep(60)"
    monkeypatch.setattr(probe, "SCRIPTS", {"dies": dies, "hangs": hangs})
    assert probe.ask("dies") == Answer({"first": {"n": 1}}, "crashed (signal 11)")
    assert probe.ask("hangs", 1.0) == Answer({"first": {"n": 1}}, "no answer within 1 s")


@pytest.mark.gui
def test_it_asks_the_driver_of_this_display() -> None:
    found = {one.name: one for one in doctor.examine()}
    assert found["window"].facts["width"] > 0
    assert found["OpenGL"].verdict in ("ok", "note"), found["OpenGL"]
    assert found["OpenGL"].facts["renderer"]


def test_it_loads_no_qt() -> None:
    heavy = "any(m in sys.modules for m in ('qtpy', 'torch', 'napari'))"
    code = f"import sys, glasscell.cli.doctor; sys.exit({heavy})"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
