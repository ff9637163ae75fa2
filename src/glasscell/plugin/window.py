"""The whole window: tissue in the middle, embedding and colours left, the work right, jobs below."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glasscell.errors import GlasscellError

if TYPE_CHECKING:
    from napari.viewer import Viewer
    from qtpy.QtWidgets import QDockWidget

    from glasscell.plugin.desk import Desk
    from glasscell.plugin.dock import Dock
    from glasscell.session import Session

LEFT, RIGHT = 310, 360


@dataclass
class GlasscellWindow:
    """A viewer with every dock open; docks are named as in the Plugins menu."""

    viewer: Viewer
    desk: Desk
    docks: dict[str, Dock]

    def raise_dock(self, name: str) -> None:
        """Bring a dock's tab to the front."""
        frame = _frame(self.docks[name])
        frame.show()
        frame.raise_()

    def arrange(self) -> None:
        """Give the tissue most of the room and bring the first tabs to the front."""
        from qtpy.QtCore import Qt
        from qtpy.QtWidgets import QTabBar

        main = self.desk.tissue.canvas.main_window
        frames = {name: _frame(dock) for name, dock in self.docks.items()}
        main.resizeDocks([frames["Embedding"], frames["Data"]], [LEFT, RIGHT], Qt.Orientation.Horizontal)
        main.resizeDocks([frames["Embedding"], frames["Colour by"]], [12, 10], Qt.Orientation.Vertical)
        main.resizeDocks([frames["Tissue"], frames["Jobs"]], [36, 92], Qt.Orientation.Vertical)
        for bar in main.findChildren(QTabBar):
            bar.setDrawBase(False)
            bar.setElideMode(Qt.TextElideMode.ElideNone)  # whole names, with arrows to those beyond
            bar.setUsesScrollButtons(True)
        frames["Data"].raise_()


def open_window(
    path: Path | str | None = None,
    *,
    session: Path | str | None = None,
    shared: Session | None = None,
    show: bool = True,
) -> GlasscellWindow:
    """Open a viewer with all docks laid out, and a file in it.

    Parameters
    ----------
    path
        File to open; None for an empty window.
    session
        Saved session to open instead.
    shared
        A running session, such as the ``session`` of a notebook's explorer (after ``%gui qt``): what is
        selected in one is selected in the other, and closing the window leaves it open.
    show
        Whether to show the window at once.

    Returns
    -------
    The window; the caller runs the event loop (:func:`view` does both).
    """
    import napari
    import torch  # noqa: F401 - before the window, so that it never stalls

    from glasscell.plugin import docks
    from glasscell.plugin.attention_dock import AttentionDock
    from glasscell.plugin.compare_dock import CompareDock
    from glasscell.plugin.contrast_dock import ContrastDock
    from glasscell.plugin.desk import desk_for
    from glasscell.plugin.groups_dock import GroupsDock
    from glasscell.plugin.perturbation_dock import PerturbationDock
    from glasscell.plugin.traversal_dock import TraversalDock

    viewer = napari.Viewer(title="Glasscell", show=show)
    desk = desk_for(viewer, shared)
    made: dict[str, Dock] = {
        "Tissue": docks.TissueDock(viewer),
        "Embedding": docks.EmbeddingDock(viewer),
        "Colour by": docks.ColourDock(viewer),
        "Data": docks.PrepareDock(viewer),
        "Model": docks.ModelDock(viewer),
        "Attribution": docks.AttributionDock(viewer),
        "Contrast": ContrastDock(viewer),
        "Traversal": TraversalDock(viewer),
        "Attention": AttentionDock(viewer),
        "Perturbation": PerturbationDock(viewer),
        "Compare": CompareDock(viewer),
        "Groups": GroupsDock(viewer),
        "Jobs": docks.JobDock(viewer),
    }
    window = GlasscellWindow(viewer, desk, made)
    _lay_out(window)
    if session is not None:
        window.desk.session.open_session(session)
    elif path is not None:
        window.desk.open(Path(path))
    return window


def view(path: Path | str | None = None, session: Path | str | None = None) -> None:
    """Open the window and stay until it is closed.

    Raises
    ------
    GlasscellError
        There is no display.
    """
    import os
    import sys

    places = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in places):
        raise GlasscellError("There is no display to open a window on. Use a desktop, or xvfb-run.")
    import napari

    open_window(path, session=session)
    napari.run()


def _lay_out(window: GlasscellWindow) -> None:
    """Place the docks; napari's layer list goes behind the right tabs, its layer controls are hidden."""
    from qtpy.QtCore import Qt, QTimer
    from qtpy.QtWidgets import QTabWidget, QWidget

    areas = {"Tissue": "top", "Embedding": "left", "Colour by": "left", "Jobs": "bottom"}
    frames: dict[str, QDockWidget] = {}
    for name, dock in window.docks.items():
        area = areas.get(name, "right")
        frame = window.viewer.window.add_dock_widget(dock, name=f"{name} (glasscell)", area=area)
        frame.setWindowTitle(name)
        if area in ("top", "bottom"):
            frame.setTitleBarWidget(QWidget())
        else:
            frame.title.title.setText(name)
        frames[name] = frame
    main = window.desk.tissue.canvas.main_window
    main.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
    for corner, side in ((Qt.Corner.TopLeftCorner, "Left"), (Qt.Corner.TopRightCorner, "Right")):
        main.setCorner(corner, getattr(Qt.DockWidgetArea, f"{side}DockWidgetArea"))
    for corner, side in ((Qt.Corner.BottomLeftCorner, "Left"), (Qt.Corner.BottomRightCorner, "Right")):
        main.setCorner(corner, getattr(Qt.DockWidgetArea, f"{side}DockWidgetArea"))
    own_tabs = [frame for name, frame in frames.items() if name not in areas]
    tabs = [*own_tabs, *_napari_docks(window)]
    for before, behind in pairwise(tabs):
        if behind not in frames.values():
            main.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, behind)
        main.tabifyDockWidget(before, behind)
    for own in tabs[len(own_tabs) :]:
        own.setVisible(own.objectName() == "layer list")
        own.setWindowTitle(own.objectName().replace("layer list", "layers"))
    main.resize(1366, 768)
    QTimer.singleShot(0, lambda: window.arrange())


def _napari_docks(window: GlasscellWindow) -> list[Any]:
    """Find napari's own layer list and layer controls, in this order."""
    from qtpy.QtWidgets import QDockWidget

    main = window.desk.tissue.canvas.main_window
    found = {dock.objectName(): dock for dock in main.findChildren(QDockWidget)}
    return [found[name] for name in ("layer list", "layer controls") if name in found]


def _frame(dock: Dock) -> Any:
    """QDockWidget that holds a dock."""
    from qtpy.QtWidgets import QDockWidget

    parent = dock.parent()
    while parent is not None and not isinstance(parent, QDockWidget):
        parent = parent.parent()
    return parent
