"""Which plane of a three-dimensional tissue is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QComboBox, QHBoxLayout, QWidget

from glasscell.qt.style import plain_tip
from glasscell.views.picture import ALL_PLANES

if TYPE_CHECKING:
    from glasscell.plugin.tissue_view import NapariTissueView


class PlaneChoice(QWidget):
    """A list of heights, there only while the tissue has more than one.

    Parameters
    ----------
    tissue
        The view whose picture it follows and whose plane it asks for.
    """

    def __init__(self, tissue: NapariTissueView) -> None:
        super().__init__()
        self._tissue = tissue
        self._words: tuple[str, ...] = ()
        self.box = QComboBox()
        self.box.setObjectName("glasscell_tissue_plane")
        self.box.setToolTip(plain_tip("Height: show all planes, or the cells and pictures of one"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.box, 1)
        self.box.activated.connect(self._on_chosen)
        tissue.pictured.connect(self._show)
        self._show()

    def close_down(self) -> None:
        """Stop following the tissue."""
        self._tissue.pictured.disconnect(self._show)

    def _show(self) -> None:
        picture = self._tissue.picture
        words = () if picture is None else picture.plane_words()
        if words != self._words or not self.box.count():
            self._words = words
            self.box.clear()
            self.box.addItems(list(words) or [ALL_PLANES])
        plane = None if picture is None else picture.plane
        self.box.setCurrentIndex(0 if plane is None else plane + 1)
        self.setVisible(bool(words))

    def _on_chosen(self, place: int) -> None:
        self._tissue.plane_requested.emit(place - 1 if place else None)
