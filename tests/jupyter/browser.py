"""A real JupyterLab on loopback, a real browser in front of it, and a second ear in its kernel."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import nbformat

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
_READY = 240.0  # on a machine with much else to do


class Lab:
    """JupyterLab with its notebooks in a folder.

    Parameters
    ----------
    folder
        Where notebooks lie; all that Jupyter writes stays in it.
    program
        ``jupyterlab``, or ``notebook`` for Notebook 7.
    """

    def __init__(self, folder: Path, program: str = "jupyterlab") -> None:
        self.folder, self.token = folder, secrets.token_hex(8)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.runtime = folder / ".runtime"
        homes = {
            "JUPYTER_RUNTIME_DIR": self.runtime,
            "JUPYTER_CONFIG_DIR": folder / ".config",
            "JUPYTER_DATA_DIR": folder / ".data",
            "JUPYTERLAB_SETTINGS_DIR": folder / ".settings",
            "JUPYTERLAB_WORKSPACES_DIR": folder / ".workspaces",
            "IPYTHONDIR": folder / ".ipython",
        }
        command = [sys.executable, "-m", program, "--no-browser", "--allow-root", "--ip=127.0.0.1"]
        command += [
            f"--port={self.port}",
            f"--IdentityProvider.token={self.token}",
            "--ServerApp.port_retries=0",
        ]
        quiet = folder / ".settings" / "@jupyterlab" / "apputils-extension"
        quiet.mkdir(parents=True)
        silence = {"fetchNews": "false", "checkForUpdates": False}
        (quiet / "notification.jupyterlab-settings").write_text(json.dumps(silence))
        self.log = (folder / "lab.log").open("wb")
        self._server = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **{name: str(path) for name, path in homes.items()}},
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        try:
            until(lambda: self.ask("api/status"), _READY, "JupyterLab")
        except TimeoutError:
            self.close()
            raise

    def ask(self, path: str) -> Any:
        """Read from the server's own interface; None while it is not up."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/{path}")
        request.add_header("Authorization", f"token {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return json.load(answer)
        except OSError:
            return None

    def write(self, name: str, *cells: str) -> str:
        """Write a notebook and return where a browser finds it."""
        made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(made, self.folder / name)
        # A workspace of its own, in which no earlier notebook is opened again.
        place = f"lab/workspaces/{name.partition('.')[0]}/tree/{name}"
        return f"http://127.0.0.1:{self.port}/{place}?token={self.token}"

    def kernel(self, name: str) -> Ear:
        """Listen to the kernel of an open notebook."""
        found: list[str] = []

        def look() -> bool:
            sessions = self.ask("api/sessions") or []
            found[:] = [each["kernel"]["id"] for each in sessions if each["path"] == name and each["kernel"]]
            return bool(found)

        until(look, _READY, f"a kernel for {name}")
        return Ear(self.runtime / f"kernel-{found[0]}.json")

    def close(self) -> None:
        """End the server and its kernels."""
        self._server.terminate()
        try:
            self._server.wait(20)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait(10)
        self.log.close()


class Ear:
    """A second client of a kernel: asks it for values while the browser drives it."""

    def __init__(self, connection: Path) -> None:
        from jupyter_client.blocking import BlockingKernelClient

        self._client = BlockingKernelClient(connection_file=str(connection))
        self._client.load_connection_file()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=_READY)

    def value(self, expression: str, timeout: float = 60) -> Any:
        """Return the value of an expression that JSON can write."""
        told: list[str] = []

        def hear(message: Any) -> None:
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                told.append(content["text"])
            elif kind == "error":
                raise AssertionError("\n".join(content["traceback"]))

        code = f"import json as _json; print(_json.dumps({expression}))"
        self._client.execute_interactive(code, timeout=timeout, output_hook=hear, store_history=False)
        return json.loads("".join(told))

    def close(self) -> None:
        """Let go of the kernel."""
        self._client.stop_channels()


def until(condition: Any, seconds: float, what: str) -> Any:
    """Wait for something to be true and return it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise TimeoutError(f"{what}: not there after {seconds:.0f} seconds")


def run_all(page: Any, address: str) -> None:
    """Open a notebook and run its cells through the menu."""
    page.goto(address, wait_until="domcontentloaded")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=_READY * 1000)
    page.get_by_text("| Idle").wait_for(timeout=_READY * 1000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
