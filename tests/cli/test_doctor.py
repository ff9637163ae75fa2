"""The doctor: it answers on any computer, and says what to install."""

import json
import subprocess
import sys

import pytest

from glasscell.cli import doctor
from glasscell.cli.app import run


def test_it_looks_at_everything(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert run(["doctor", "--json"]) == 0
    found = {one["name"]: one for one in json.loads(capsys.readouterr().out)["findings"]}
    assert {"Python", "Qt", "napari", "OpenGL", "torch", "memory", "scvi"} <= set(found)
    assert all(one["advice"] for one in found.values() if one["verdict"] != "ok")


def test_it_works_without_qt_and_torch_and_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_has", lambda name: False)
    found = {one.name: one for one in doctor.examine()}
    assert found["Qt"].verdict == found["torch"].verdict == found["OpenGL"].verdict == "missing"
    assert "glasscell[qt]" in found["Qt"].advice
    assert run(["doctor"]) == 1


def test_a_broken_driver_is_told_and_not_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    broken = subprocess.CompletedProcess([], -11, "", "Segmentation fault")
    monkeypatch.setattr(doctor.subprocess, "run", lambda *_, **__: broken)
    found = doctor._gl()
    assert found.verdict == "missing"
    assert "driver" in found.advice


@pytest.mark.gui
def test_it_asks_the_driver_of_this_display() -> None:
    found = doctor._gl()
    assert found.verdict in ("ok", "warn"), found
    assert found.found[0].isdigit()


def test_it_loads_no_qt() -> None:
    heavy = "any(m in sys.modules for m in ('qtpy', 'torch', 'napari'))"
    code = f"import sys, glasscell.cli.doctor; sys.exit({heavy})"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
