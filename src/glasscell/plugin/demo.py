"""The main job, done by pressing the real window's buttons: open, prepare, train, explain, paint a gene."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QEventLoop, Qt, QTimer
from qtpy.QtWidgets import QApplication

from glasscell.errors import GlasscellError

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtWidgets import QAbstractButton

    from glasscell.plugin.window import GlasscellWindow

SIZE = (1366, 768)
LIMIT_S = 480.0
DEFAULT_FOLDER = Path("glasscell-demo")


def run_demo(path: Path | None = None, screenshots: Path | None = None) -> tuple[Path, ...]:
    """Do the main job in the window, on the sample tissue or on a file.

    With a display and no folder for screenshots the window stays open at the end. Without a display, or with
    a folder, pictures of every step are taken in both themes, and the demo ends by itself.

    Parameters
    ----------
    path
        A file of the user's; None for the sample tissue.
    screenshots
        Folder for the pictures; by default ``glasscell-demo`` here when there is no display.

    Returns
    -------
    The pictures taken.

    Raises
    ------
    GlasscellError
        A step could not be done, or took too long.
    """
    from glasscell.data.sample import sample_path
    from glasscell.plugin.window import open_window

    watched = has_display()
    folder = screenshots if screenshots is not None else (None if watched else DEFAULT_FOLDER)
    window = open_window(path if path is not None else sample_path())
    window.viewer.window.resize(*SIZE)
    demo = Demo(window, folder)
    try:
        demo.run()
    except BaseException:
        window.viewer.close()
        raise
    if folder is None:
        say("The window is yours now. Hover over cells, lasso some, click other genes.")
        import napari

        napari.run()
        return ()
    window.viewer.close()
    say(f"{len(demo.pictures)} pictures are in {folder.resolve()}")
    return tuple(demo.pictures)


def has_display() -> bool:
    """Whether a person can see the window: a display that is not a virtual one."""
    if os.environ.get("GLASSCELL_VIRTUAL_DISPLAY") or os.environ.get("QT_QPA_PLATFORM") == "offscreen":
        return False
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def say(text: str) -> None:
    """Tell the shell what is going on."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@dataclass
class Demo:
    """One run through the window.

    Parameters
    ----------
    window
        The window, its file being opened.
    folder
        Where pictures go; None for none.
    """

    window: GlasscellWindow
    folder: Path | None = None
    pictures: list[Path] = field(default_factory=list)

    def run(self) -> None:
        """Do every step."""
        self._open()
        self._prepare()
        self._train()
        gene = self._explain()
        self._paint(gene)

    def _open(self) -> None:
        session = self.window.desk.session
        self.wait(lambda: not session.jobs.active, "opening the file")
        if session.dataset is None:
            raise GlasscellError(f"The file could not be opened: {self._last_message()}")
        say(session.dataset.report())
        self.settle()
        self.picture("1-opened")

    def _prepare(self) -> None:
        dataset = self.window.desk.session.dataset
        if dataset is None or any(name.lower().endswith(("umap", "tsne")) for name in dataset.embeddings):
            return
        say("Preparing: normalise, reduce, embed, cluster")
        view = self.show("Data")
        self.press(view.run)
        self.wait(lambda: not self.window.desk.session.jobs.active, "preparing")
        self.settle()
        self.picture("2-prepared")

    def _train(self) -> None:
        session = self.window.desk.session
        view = self.show("Model")
        if view.labels.count() == 0:
            raise GlasscellError(
                "No column of this file can be learned: a model needs labels: cell types, or drawn groups."
            )
        if view.labels.findText("layer") >= 0:
            view.labels.setCurrentText("layer")
        labels, scheme = view.labels.currentText(), view.scheme.currentText()
        say(f"Training a classifier on {labels}, cells held out by {scheme}")
        self.press(view.train)
        self.wait(lambda: view.curve.isVisible() or not session.jobs.active, "training")
        self.pause(1.5)
        self.picture("3-training")
        self.wait(lambda: session.bundle is not None or not session.jobs.active, "training")
        if session.bundle is None:
            raise GlasscellError(f"Training ended without a model: {self._last_message()}")
        self.wait(lambda: not session.jobs.active, "training the twin")
        self.settle()
        self.picture("4-trained")

    def _explain(self) -> str:
        session = self.window.desk.session
        view = self.show("Attribution")
        if view.target.findText("class:L5") >= 0:
            view.target.setCurrentText("class:L5")
        view.cells.setCurrentIndex(view.cells.findData("all"))
        say(f"Explaining {view.target.currentText()} by {view.method.currentText()}")
        self.press(view.explain)
        self.wait(lambda: session.explanation is not None or not session.jobs.active, "explaining")
        self.wait(lambda: not session.jobs.active, "explaining")
        if session.explanation is None:
            raise GlasscellError(f"There is no explanation: {self._last_message()}")
        self.wait(lambda: view.ranking.genes.rowCount() > 0, "ranking genes")
        self.settle()
        self.picture("5-explained")
        return str(view.ranking.genes.gene(0))

    def _paint(self, gene: str) -> None:
        say(f"Painting the attribution of {gene} on tissue and embedding")
        view = self.window.docks["Attribution"].view
        table = view.ranking
        where = table.visualRect(table.genes.index(0, 0)).center()
        click(table.viewport(), where)
        session = self.window.desk.session
        self.wait(lambda: getattr(session.state.colouring.channel, "kind", "") == "attribution", "painting")
        self.wait(lambda: not session.jobs.active, "painting")
        self.settle()
        self.picture("6-attribution")

    def show(self, name: str) -> Any:
        """Bring a dock to the front and return its view."""
        self.window.raise_dock(name)
        dock = self.window.docks[name]
        self.wait(lambda: dock.view is not None, f"the dock {name}")
        self.pause(0.2)
        return dock.view

    def press(self, button: QAbstractButton) -> None:
        """Press a button as a person would; one that is greyed out is an error."""
        if not button.isEnabled():
            raise GlasscellError(f"The button {button.text()!r} cannot be pressed: {self._last_message()}")
        button.click()
        self.pause(0.2)

    def settle(self) -> None:
        """Wait until the canvas shows what it should."""
        cells = self.window.desk.tissue.cells
        self.wait(lambda: cells.layers is None or cells.ready, "drawing")
        self.pause(0.4)

    def wait(self, condition: Callable[[], bool], doing: str) -> None:
        """Run the event loop until something holds.

        Raises
        ------
        GlasscellError
            It has not come in eight minutes.
        """
        end = time.monotonic() + LIMIT_S
        while not condition():
            if time.monotonic() > end:
                raise GlasscellError(f"The demo gave up after {LIMIT_S / 60:.0f} minutes of {doing}.")
            self.pause(0.03)

    def pause(self, seconds: float) -> None:
        """Run the event loop for a while."""
        loop = QEventLoop()
        QTimer.singleShot(int(seconds * 1000), loop.quit)
        loop.exec()

    def picture(self, name: str) -> None:
        """Take a picture of the window in both themes."""
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        for theme in ("light", "dark"):
            self.window.viewer.theme = theme
            self.pause(0.35)
            self.window.desk.tissue.canvas.main_window.statusBar().clearMessage()
            path = self.folder / f"{name}-{theme}.png"
            QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
            self.window.viewer.window.screenshot(str(path), flash=False, canvas_only=False)
            self.pictures.append(path)

    def _last_message(self) -> str:
        messages = self.window.desk.session.messages
        return messages[-1].text if messages else "nothing was said about it."


def click(widget: Any, where: Any) -> None:
    """Click a widget with the left button at a point."""
    from qtpy.QtCore import QPointF
    from qtpy.QtGui import QMouseEvent

    spot, left = QPointF(where), Qt.MouseButton.LeftButton
    everywhere = QPointF(widget.mapToGlobal(where))
    pressed, released = QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease
    for kind, held in ((pressed, left), (released, Qt.MouseButton.NoButton)):
        event = QMouseEvent(kind, spot, everywhere, left, held, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(widget, event)
