"""E4: threads, widgets and file handles left by opening and closing files, docks and whole windows."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks.row import Row

IDS = ("E4",)
CYCLES, WINDOWS = 200, 10


def spin(condition: Callable[[], object], seconds: float = 60) -> None:
    """Run the event loop until something holds."""
    from qtpy.QtWidgets import QApplication

    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("waited too long")
        QApplication.processEvents()
        time.sleep(0.001)


def empty_queue() -> None:
    """Let Qt delete what was given to it to delete, and Python what nobody holds."""
    from qtpy.QtCore import QEvent
    from qtpy.QtWidgets import QApplication

    for _ in range(3):
        gc.collect()
        QApplication.processEvents()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def held() -> dict[str, int]:
    """Count what is held now: threads and files of the process, widgets of the application."""
    from qtpy.QtWidgets import QApplication

    empty_queue()
    folder = "/proc/self/fd" if sys.platform.startswith("linux") else "/dev/fd"
    return {
        "threads": len(threading.enumerate()),
        "widgets": len(QApplication.allWidgets()),
        "file handles": len(os.listdir(folder)),  # noqa: PTH208 - names alone are counted
    }


def docks_of_the_manifest() -> list[Any]:
    """Find every dock that the plugin offers."""
    from importlib import import_module, resources

    import yaml

    text = (resources.files("glasscell.plugin") / "napari.yaml").read_text()
    offered = yaml.safe_load(text)["contributions"]
    places = {command["id"]: command["python_name"] for command in offered["commands"]}
    made = []
    for widget in offered["widgets"]:
        module, _, name = places[widget["command"]].partition(":")
        made.append(getattr(import_module(module), name))
    return made


def settled(desk: Any) -> None:
    """Wait until no job runs."""
    spin(lambda: not desk.session.jobs.active and desk.session.dataset is not None)


def files(folder: Path) -> list[Path]:
    """Write two small files that differ."""
    from glasscell.testing.planted import tiny_adata

    paths = [folder / "one.h5ad", folder / "two.h5ad"]
    for seed, path in enumerate(paths):
        tiny_adata(seed=seed).write_h5ad(path)
    return paths


def file_and_docks(viewer: Any, path: Path, kinds: list[Any]) -> None:
    """Open docks and a file, and close the docks again; the next file takes the place of this one."""
    from glasscell.plugin.desk import desk_for

    made = [kind(viewer) for kind in kinds]
    for number, dock in enumerate(made):
        viewer.window.add_dock_widget(dock, name=f"leak {number}")
    desk = desk_for(viewer)
    desk.open(path)
    settled(desk)
    for dock in made:
        viewer.window.remove_dock_widget(dock)
    empty_queue()


def whole_window(path: Path) -> None:
    """Open a window with all docks and a file, and close it."""
    from glasscell.plugin.window import open_window

    window = open_window(path)
    settled(window.desk)
    window.viewer.close()
    del window
    empty_queue()


def left(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """Say what is there now and was not before."""
    return {name: max(0, after[name] - before[name]) for name in before}


def ours_alive() -> int:
    """Count our widgets that Qt still has."""
    from qtpy.QtWidgets import QApplication

    return sum(type(widget).__module__.startswith("glasscell") for widget in QApplication.allWidgets())


def rows() -> list[Row]:
    """Count before and after, once everything that is made once has been made."""
    import napari
    import torch  # noqa: F401 - imported once, before anything is counted

    with tempfile.TemporaryDirectory() as folder:
        os.environ["GLASSCELL_STATE_FOLDER"] = f"{folder}/state"
        paths = files(Path(folder))
        viewer = napari.Viewer(show=True)
        kinds = docks_of_the_manifest()
        for turn in range(2):
            file_and_docks(viewer, paths[turn % 2], kinds)
        before = held()
        for turn in range(CYCLES):
            file_and_docks(viewer, paths[turn % 2], [kinds[turn % len(kinds)]])
        docks = left(before, held())
        viewer.close()
        del viewer
        whole_window(paths[0])
        whole_window(paths[1])
        before, widgets = held(), ours_alive()
        for turn in range(WINDOWS):
            whole_window(paths[turn % 2])
        windows = {**left(before, held()), "widgets": max(0, ours_alive() - widgets)}
    return [
        _row(
            f"{CYCLES} times a file and a dock opened and closed",
            docks,
            f"each of {len(kinds)} docks in turn",
        ),
        _row(f"{WINDOWS} whole windows opened and closed", windows, "of widgets, ours are counted"),
    ]


def _row(scenario: str, found: dict[str, int], note: str = "") -> Row:
    said = ", ".join(f"{count} {name}" for name, count in found.items())
    return Row("E4", scenario, said, "before", sum(found.values()), 0, at_least=False, note=note)
