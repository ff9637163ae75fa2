"""What is asked in another process, because a broken driver or library would end the one that asks."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

LIMIT_S = 40.0

# Each step is written as soon as it is known, so that a crash or a hang tells which step it was.
_TELL = """
import json, os, sys
from importlib import import_module
def tell(step, **facts):
    sys.__stdout__.write(json.dumps({"step": step, **facts}) + chr(10))
    sys.__stdout__.flush()
"""
_WINDOW = """
for name in ("PyQt6", "PySide6"):
    try:
        core, gui = import_module(name + ".QtCore"), import_module(name + ".QtGui")
    except Exception as error:
        tell("refused", binding=name, why=str(error).splitlines()[0][:120] if str(error) else repr(error))
        continue
    break
else:
    os._exit(1)
tell("qt", binding=name, version=core.qVersion())
app = gui.QGuiApplication(["glasscell"])
screen = app.primaryScreen()
size = screen.size()
tell("window", platform=app.platformName(), width=size.width(), height=size.height(),
     ratio=screen.devicePixelRatio())
context, surface = gui.QOpenGLContext(), gui.QOffscreenSurface()
surface.create()
if not context.create() or not context.makeCurrent(surface):
    sys.stderr.write("no OpenGL context could be made")
    sys.stderr.flush()
    os._exit(1)
from vispy.gloo import gl
tell("gl", **{word: str(gl.glGetParameter(getattr(gl, "GL_" + word.upper())))
              for word in ("vendor", "renderer", "version")})
os._exit(0)
"""
_TORCH = """
import torch
tell("torch", version=torch.__version__, threads=torch.get_num_threads())
cards = []
if torch.cuda.is_available():
    for card in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(card)
        cards.append({"name": torch.cuda.get_device_name(card), "free": free, "total": total})
    torch.ones(8, device="cuda").sum().item()
tell("device", cuda=torch.version.cuda, cards=cards, mps=bool(torch.backends.mps.is_available()))
os._exit(0)
"""
_NUMBA = """
import numba
tell("numba", version=numba.__version__)
assert numba.njit(lambda x: x + 1)(1) == 2
tell("compiled", threads=numba.config.NUMBA_NUM_THREADS)
os._exit(0)
"""
SCRIPTS = {"window": _WINDOW, "torch": _TORCH, "numba": _NUMBA}


@dataclass(frozen=True)
class Answer:
    """How far a probe came: the facts of each step it reached, and its last words when it ended early."""

    steps: dict[str, dict[str, Any]]
    error: str = ""


def ask(name: str, limit_s: float = LIMIT_S) -> Answer:
    """Run one probe (``window``, ``torch`` or ``numba``) in a process of its own.

    Whatever happens there (a failed import, a crash in a driver, a hang) is an answer and never an error.
    """
    command = [sys.executable, "-W", "ignore", "-c", _TELL + SCRIPTS[name]]
    try:
        asked = subprocess.run(command, capture_output=True, timeout=limit_s, check=False)
        out, said, code = asked.stdout, asked.stderr, asked.returncode
    except subprocess.TimeoutExpired as late:
        return Answer(_steps(late.stdout or b""), f"no answer within {limit_s:.0f} s")
    except OSError as error:
        return Answer({}, str(error))
    if code == 0:
        return Answer(_steps(out))
    lines = [line for line in said.decode(errors="replace").splitlines() if line.strip()]
    end = f"crashed (signal {-code})" if code < 0 else f"ended with code {code}"
    return Answer(_steps(out), lines[-1].strip()[:160] if lines else end)


def _steps(out: bytes) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for line in out.decode(errors="replace").splitlines():
        try:
            facts = json.loads(line)
            found[str(facts.pop("step"))] = facts
        except (ValueError, KeyError, AttributeError):  # something else that the process printed
            continue
    return found
