"""The strip of buttons for the tissue: open, pointer tools, undo, and what lies under the pointer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtGui import QAction, QActionGroup, QResizeEvent
from qtpy.QtWidgets import QBoxLayout, QButtonGroup, QFileDialog, QHBoxLayout, QMenu, QToolButton, QWidget

from glasscell.errors import GlasscellError
from glasscell.plugin.plane_choice import PlaneChoice
from glasscell.plugin.send_to_layer import send_labels, send_points
from glasscell.qt.icon import icon
from glasscell.qt.save_picture import ask_and_save_picture, save_words
from glasscell.qt.style import adopt, plain_tip, theme_of
from glasscell.qt.text import PlainLabel
from glasscell.views.gesture import MODE_WORDS, MODES, TOOL_TIPS, TOOLS

if TYPE_CHECKING:
    from collections.abc import Callable

    from glasscell.plugin.desk import Desk

#: From this width on the strip is one row.
ONE_ROW_PIXELS = 560
NOTHING_OPEN = "Open a file (.h5ad or .zarr), drop one on the canvas, or try the sample tissue."


class TissueTools(QWidget):
    """Buttons for the tissue of one desk."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self.open_button = self._open_menu()
        self.tools = {name: self._tool(name) for name in TOOLS}
        self._group = QButtonGroup(self)
        for button in self.tools.values():
            self._group.addButton(button)
        self.tools[desk.tissue.lasso.tool].setChecked(True)
        self.modes = self._mode_menu()
        self.clear = self._plain("clear", "Select all cells again", desk.tissue.selection_cleared.emit)
        self.home = self._plain("home", "Show the whole tissue", desk.tissue.go_home)
        self.undo = self._worded("Undo", "Take back the last selection, group or colour", desk.session.undo)
        self.redo = self._worded("Redo", "Take it again", desk.session.redo)
        self.turn = self._listed("turn", "Turn or mirror the view", self._turns())
        self.send = self._listed(
            "send", "Send the selected cells to a napari layer, or save a picture", self._sendings()
        )
        self.planes = PlaneChoice(desk.tissue)
        self.status = PlainLabel("", "muted", wrap=False)
        self.status.setMinimumWidth(160)
        first = (self.open_button, *self.tools.values(), self.modes, self.clear, self.home, self.turn)
        self._rows = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._rows.setContentsMargins(6, 4, 6, 4)
        self._rows.setSpacing(4)
        self._rows.addLayout(_row(*first))
        self._rows.addWidget(self.planes)
        self._rows.addLayout(_row(self.undo, self.redo, self.send, self.status), 1)
        adopt(self)
        self.installEventFilter(self)
        self.restyle()
        desk.session.changed.connect(self._on_changed)
        desk.tissue.captioned.connect(self._on_caption)
        self._on_changed()

    def close_down(self) -> None:
        """Stop listening to the session."""
        self._desk.session.changed.disconnect(self._on_changed)
        self._desk.tissue.captioned.disconnect(self._on_caption)
        self.planes.close_down()
        self._desk.tissue.lasso.tool = "move"

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Draw the icons anew when the theme changes."""
        if watched is self and event is not None and event.type() == QEvent.Type.StyleChange:
            self.restyle()
        return False

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Stand in one row where there is room, in two where there is not."""
        super().resizeEvent(event)
        wide = self.width() >= ONE_ROW_PIXELS
        self._rows.setDirection(
            QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom
        )

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for the width of the longer row only, so that a dock at the side leaves room for the canvas."""
        rows = [self._rows.itemAt(place).minimumSize() for place in range(self._rows.count())]
        return QSize(max(row.width() for row in rows) + 12, super().minimumSizeHint().height())

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Want no more than that."""
        return self.minimumSizeHint()

    def restyle(self) -> None:
        """Draw the icons in the colours of the theme."""
        theme = theme_of(self)
        for name, button in self.tools.items():
            button.setIcon(icon(name, theme.text, theme.on_accent))
        self.clear.setIcon(icon("clear", theme.text))
        for name, button in (("home", self.home), ("turn", self.turn), ("send", self.send)):
            button.setIcon(icon(name, theme.text))
        for action in self.modes.menu().actions():
            action.setIcon(icon(action.data(), theme.text))
        self.modes.setIcon(icon(self._desk.tissue.lasso.mode, theme.text))

    def choose_tool(self, name: str) -> None:
        """Take a pointer tool in hand."""
        self._desk.tissue.lasso.tool = name
        self.tools[self._desk.tissue.lasso.tool].setChecked(True)

    def ask_for_file(self) -> None:
        """Let the user choose one file of cells, or several to see side by side."""
        kinds = "Cells (*.h5ad *.h5 *.csv *.tsv *.csv.gz *.parquet);;All files (*)"
        names, _ = QFileDialog.getOpenFileNames(self, "Open cells", "", kinds)
        if names:
            self._desk.open([Path(name) for name in names])

    def ask_for_folder(self) -> None:
        """Let the user choose a ``.zarr`` folder or one of a vendor."""
        name = QFileDialog.getExistingDirectory(self, "Open a .zarr or a vendor's folder")
        if name:
            self._desk.open(Path(name))

    def _open_menu(self) -> QToolButton:
        button = QToolButton()
        button.setText("Open…")
        button.setObjectName("glasscell_open")
        button.setToolTip(plain_tip(NOTHING_OPEN))
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        menu.addAction("Files…").triggered.connect(lambda: self.ask_for_file())
        menu.addAction("Folder (.zarr, Visium, Xenium…)…").triggered.connect(lambda: self.ask_for_folder())
        menu.addAction("Sample tissue").triggered.connect(lambda: self._desk.open(None))
        button.setMenu(menu)
        return button

    def _tool(self, name: str) -> QToolButton:
        button = QToolButton()
        button.setCheckable(True)
        button.setObjectName(f"glasscell_tissue_{name}")
        button.setToolTip(plain_tip(TOOL_TIPS[name]))
        button.clicked.connect(lambda: self.choose_tool(name))
        return button

    def _mode_menu(self) -> QToolButton:
        button = QToolButton()
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setToolTip(plain_tip("How a new outline combines with the selection"))
        menu, group = QMenu(button), QActionGroup(button)
        for mode in MODES:
            action = QAction(MODE_WORDS[mode], menu)
            action.setData(mode)
            action.setCheckable(True)
            action.setChecked(mode == self._desk.tissue.lasso.mode)
            group.addAction(action)
            menu.addAction(action)
        group.triggered.connect(self._on_mode)
        button.setMenu(menu)
        return button

    def _turns(self) -> dict[str, Callable[[], None]]:
        canvas = self._desk.tissue.canvas
        return {
            "Turn right": lambda: canvas.rotate(1),
            "Turn left": lambda: canvas.rotate(-1),
            "Mirror left to right": canvas.flip,
            "Mirror top to bottom": lambda: canvas.flip(vertical=True),
            "As stored": canvas.straighten,
        }

    def _sendings(self) -> dict[str, Callable[[], None]]:
        def sent(sending: Callable[[Desk], object]) -> None:
            try:
                sending(self._desk)
            except GlasscellError as error:
                self._desk.session.report(error, "Sending cells to a layer")

        def saved(what: str) -> Callable[[], None]:
            return lambda: ask_and_save_picture(self, self._desk.session, what, self._desk.tissue.sight)

        return {
            "As Points": lambda: sent(send_points),
            "As Labels": lambda: sent(send_labels),
            save_words("tissue"): saved("tissue"),
            save_words("embedding"): saved("embedding"),
        }

    def _listed(self, name: str, tip: str, actions: dict[str, Callable[[], None]]) -> QToolButton:
        button = QToolButton()
        button.setObjectName(f"glasscell_tissue_{name}")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setToolTip(plain_tip(tip))
        menu = QMenu(button)
        for text, pressed in actions.items():
            menu.addAction(text).triggered.connect(lambda _=False, pressed=pressed: pressed())
        button.setMenu(menu)
        return button

    def _plain(self, name: str, tip: str, pressed: Any) -> QToolButton:
        button = QToolButton()
        button.setObjectName(f"glasscell_tissue_{name}")
        button.setToolTip(plain_tip(tip))
        button.clicked.connect(lambda: pressed())
        return button

    def _worded(self, text: str, tip: str, pressed: Any) -> QToolButton:
        button = self._plain(text.lower(), tip, pressed)
        button.setText(text)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        return button

    def _on_mode(self, action: QAction) -> None:
        self._desk.tissue.lasso.mode = action.data()
        self.restyle()

    def _on_changed(self, *_: Any) -> None:
        session = self._desk.session
        self.undo.setEnabled(session.can_undo)
        self.redo.setEnabled(session.can_redo)
        has_places = session.dataset is not None and session.dataset.positions_cd is not None
        for button in (*self.tools.values(), self.modes, self.home, self.turn):
            button.setEnabled(has_places)
        self.send.setEnabled(has_places and session.dataset is not None and session.dataset.n_cells > 0)
        self.clear.setEnabled(session.dataset is not None)
        self._on_caption(self._desk.tissue.overlay.caption)

    def _on_caption(self, text: str) -> None:
        session = self._desk.session
        if session.dataset is None:
            self.status.set_text(NOTHING_OPEN)
            return
        mask = session.mask()
        chosen, total = int(mask.sum()), len(mask)
        words = session.dataset.observations
        if not total:
            self.status.set_text(text or f"no {words}")
            return
        count = f"all {total:,} {words}" if chosen == total else f"{chosen:,} of {total:,} {words} selected"
        pointed_at = text if session.hovered_cell is not None else ""
        self.status.set_text(f"{pointed_at}   ·   {count}" if pointed_at else count)


def _row(*parts: QWidget) -> QHBoxLayout:
    """Lay widgets side by side, the last one taking the spare room when it can."""
    row = QHBoxLayout()
    row.setSpacing(4)
    for part in parts:
        row.addWidget(part)
    if not isinstance(parts[-1], PlainLabel):
        row.addStretch(1)
    return row
