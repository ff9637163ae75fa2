"""Every dock alone on an empty viewer, twice, closed, reopened, through napari's own menu machinery."""

import threading
from importlib import import_module, resources
from pathlib import Path
from typing import Any

import pytest
import yaml

from glasscell.plugin.desk import desk_for

from .conftest import settled, spin, wait

pytestmark = pytest.mark.gui

PLUGIN = "glasscell"
MANIFEST = yaml.safe_load((resources.files("glasscell.plugin") / "napari.yaml").read_text())["contributions"]
PLACES = {command["id"]: command["python_name"] for command in MANIFEST["commands"]}
DOCKS = {widget["display_name"]: PLACES[widget["command"]] for widget in MANIFEST["widgets"]}


@pytest.fixture(autouse=True)
def _registered() -> None:
    from npe2 import PluginManager

    manager = PluginManager.instance()
    manager.discover()
    if PLUGIN not in manager:
        pytest.skip("needs an installed glasscell: pip install -e .")


def opened(viewer: Any, name: str) -> Any:
    frame, dock = viewer.window.add_plugin_dock_widget(PLUGIN, name)
    wait(lambda: dock.view is not None)
    return frame, dock


@pytest.mark.parametrize("name", DOCKS)
def test_alone_on_an_empty_viewer_and_again(viewer: Any, name: str) -> None:
    frame, dock = opened(viewer, name)
    wait(lambda: dock.view.widget.isVisible(), 5)
    assert opened(viewer, name)[1] is dock
    frame.destroyOnClose()
    spin(0.1)
    assert dock._ended
    again = opened(viewer, name)[1]
    assert again is not dock
    assert again.desk is dock.desk


@pytest.mark.parametrize("name", DOCKS)
def test_two_of_a_kind_share_the_session(viewer: Any, name: str, grid_file: Path) -> None:
    module, kind = DOCKS[name].split(":")
    pair = [getattr(import_module(module), kind)(viewer) for _ in range(2)]
    for number, dock in enumerate(pair):
        viewer.window.add_dock_widget(dock, name=f"{name} {number}")
    wait(lambda: all(dock.view is not None for dock in pair))
    assert pair[0].desk is pair[1].desk
    pair[0].desk.open(grid_file)
    settled(pair[0].desk)
    viewer.window.remove_dock_widget(pair[0])
    spin(0.1)
    pair[1].desk.session.update(channel=None)
    assert pair[0]._ended
    assert not pair[1]._ended


@pytest.mark.parametrize("name", DOCKS)
def test_opened_while_a_job_runs(viewer: Any, name: str, grid_file: Path) -> None:
    desk = desk_for(viewer)
    desk.open(grid_file)
    settled(desk)
    going, ended = threading.Event(), threading.Event()

    def work(job: Any) -> None:
        while not going.wait(0.02):
            job.report(0.5, "half way")
        ended.set()

    desk.session.jobs.submit(work, title="Something long", lane="train")
    frame, dock = opened(viewer, name)
    wait(lambda: dock.view.widget.isVisible(), 5)
    assert desk.running() == ("Something long",)
    frame.destroyOnClose()
    spin(0.1)
    assert desk.running(), "closing a dock ends no job"
    going.set()
    settled(desk)
    assert ended.is_set()


def test_an_empty_viewer_says_what_to_do(viewer: Any) -> None:
    tools = opened(viewer, "Tissue")[1].view.widget
    assert "Open a file" in tools.status.whole_text()
    assert not tools.tools["lasso"].isEnabled()
    embedding = opened(viewer, "Embedding")[1].view
    assert embedding.canvas is not None
    model = opened(viewer, "Model")[1].view
    assert not model.train.isEnabled()
    assert model.reason.whole_text()
    attribution = opened(viewer, "Attribution")[1].view
    assert not attribution.explain.isEnabled()


def test_tools_and_undo(viewer: Any, grid_file: Path) -> None:
    from .conftest import drag

    dock = opened(viewer, "Tissue")[1]
    desk, tools = dock.desk, dock.view.widget
    desk.open(grid_file)
    settled(desk)
    canvas = desk.tissue.canvas
    wait(lambda: canvas.native.width() > 200, 10, "room for the canvas beside a dock")
    wait(lambda: canvas.size == (canvas.native.width(), canvas.native.height()), 10, "the layout")
    assert "all 400 cells" in tools.status.whole_text()
    tools.tools["rectangle"].click()
    assert desk.tissue.lasso.tool == "rectangle"
    drag(desk, [(-5, -5), (40, 40), (95, 95)])
    assert "100 of 400 cells selected" in tools.status.whole_text()
    tools.undo.click()
    assert desk.session.mask().all()
    tools.redo.click()
    assert int(desk.session.mask().sum()) == 100
    tools.clear.click()
    assert desk.session.mask().all()
    subtract = next(action for action in tools.modes.menu().actions() if action.data() == "subtract")
    subtract.trigger()
    drag(desk, [(-5, -5), (40, 40), (95, 95)])
    assert int(desk.session.mask().sum()) == 300


def test_the_first_model_dock_says_that_it_loads(viewer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    import torch  # noqa: F401 - so that only the bookkeeping is new here

    from glasscell.plugin.docks import ModelDock

    real = sys.modules["torch"]
    monkeypatch.delitem(sys.modules, "torch")
    dock = ModelDock(viewer)
    assert dock.view is None
    assert "PyTorch" in dock._loading.whole_text()
    monkeypatch.setitem(sys.modules, "torch", real)
    wait(lambda: dock.view is not None)
    dock.end()
    dock.deleteLater()
