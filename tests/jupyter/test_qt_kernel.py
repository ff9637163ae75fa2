"""A real kernel after ``%gui qt``: what people press and what jobs bring is heard without running a cell."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

from .browser import until

SHARE = """
import time
from pathlib import Path
from glasscell.data.dataset import Dataset
from glasscell.jupyter.explorer import explore
from glasscell.testing.planted import tiny_adata
told = Path({told!r})
def tell(word):
    with told.open("a") as file:
        file.write(word + "\\n")
ex = explore(Dataset(tiny_adata(n_cells=60, n_genes=20)))
ex.session.changed.connect(lambda new, old: tell(f"selected {{int(ex.mask.sum())}}"))
def work(job):
    time.sleep(0.4)
    return 7
def begin():
    return ex.session.jobs.submit(work, title="Wait", on_done=lambda job: tell(f"done {{job.result}}"))
"""
WINDOW = """
import glasscell
shown = glasscell.open_window(shared=ex.session)
kinds = type(ex.session.jobs.dispatcher).__name__
"""


class Kernel:
    """A kernel, one client of it, and the file that it writes into what it has seen."""

    def __init__(self, told: Path) -> None:
        self.told = told
        self.manager = KernelManager(kernel_name="python3")
        quiet = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
        where = {} if os.environ.get("DISPLAY") else {"QT_QPA_PLATFORM": "offscreen"}
        self.manager.start_kernel(env={**os.environ, **quiet, **where})
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=90)

    def run(self, code: str, seconds: float = 60) -> str:
        """Run a cell, wait for its reply and return what it printed."""
        said: list[str] = []

        def hear(message: Any) -> None:
            if message["msg_type"] == "stream":
                said.append(message["content"]["text"])
            elif message["msg_type"] == "error":
                raise AssertionError("\n".join(message["content"]["traceback"]))

        self.client.execute_interactive(code, timeout=seconds, output_hook=hear)
        return "".join(said)

    def subshell(self) -> str:
        """Ask for a subshell, as JupyterLab does for the messages of widgets."""
        message = self.client.session.msg("create_subshell_request", {})
        self.client.control_channel.send(message)
        answer = self.client.control_channel.get_msg(timeout=20)
        return str(answer["content"]["subshell_id"])

    def press(self, comm: str, subshell: str) -> None:
        """Press a button of the page."""
        content = {"comm_id": comm, "data": {"method": "custom", "content": {"event": "click"}}}
        message = self.client.session.msg("comm_msg", content)
        if subshell:
            message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)

    def seen(self, words: str, seconds: float = 20) -> bool:
        """Wait until the kernel has seen something."""
        found = lambda: self.told.exists() and words in self.told.read_text().split("\n")  # noqa: E731
        return bool(until(found, seconds, words))

    def close(self) -> None:
        """End it."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Callable[[], Kernel]]:
    begun: list[Kernel] = []

    def begin() -> Kernel:
        begun.append(Kernel(tmp_path / "told"))
        begun[0].run(SHARE.format(told=str(begun[0].told)))
        begun[0].run("%gui qt")  # ipykernel may lose a message after it; not so beside an explorer
        return begun[0]

    yield begin
    for each in begun:
        each.close()


def all_is_heard(kernel: Kernel) -> None:
    """Press by both ways of sending, let a job end, await another: no cell runs meanwhile."""
    clear = kernel.run("print(ex.layout.views['Tissue'].tools.clear.comm.comm_id)").strip()
    subshell = kernel.subshell()
    for way in (subshell, ""):
        kernel.told.unlink(missing_ok=True)
        kernel.run("ex.select([0, 1, 2])")
        assert kernel.seen("selected 3")
        kernel.press(clear, way)
        assert kernel.seen("selected 60")
    for milliseconds in range(12):
        kernel.run(f"time.sleep({milliseconds / 4000})", 20)
    kernel.run("begin(); ex.session.jobs.dispatcher.call_later(150, lambda: tell('timer'))")
    assert kernel.seen("done 7")
    assert kernel.seen("timer")
    awaited = "from glasscell.jupyter.running import Running\nprint(await Running(begin()), 'awaited')"
    assert "7 awaited" in kernel.run(awaited, 20)


@pytest.mark.slow
def test_a_page_is_heard_while_the_loop_of_qt_runs(kernel: Callable[[], Kernel]) -> None:
    begun = kernel()
    assert "AsyncioDispatcher" in begun.run("print(type(ex.session.jobs.dispatcher).__name__)")
    all_is_heard(begun)


@pytest.mark.gui
@pytest.mark.slow
def test_window_and_page_share_a_session_in_a_kernel(kernel: Callable[[], Kernel]) -> None:
    begun = kernel()
    begun.run(WINDOW, 120)
    assert "QtDispatcher" in begun.run("print(kinds)")
    all_is_heard(begun)
    mine = begun.run("print(len(glasscell.plugin.desk._DESKS), shown.desk.session is ex.session)")
    assert mine.strip() == "1 True"
