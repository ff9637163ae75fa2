"""Below the training: name the selected cells, keep and open models, one of scvi-tools once confirmed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glasscell.errors import GlasscellError
from glasscell.jupyter.confirm import Confirm
from glasscell.jupyter.panel import Panel, button, column, line, row
from glasscell.views import model_wish as wishes
from glasscell.views.typed_path import typed_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from glasscell.views.model_view import ModelView

NO_PATH = "Type the path of a model's folder first."


class ModelKeeping(Panel):
    """A line for a name and a line for a path, with their buttons.

    Parameters
    ----------
    view
        Utters what is wished here, and says what is wrong with it.
    """

    def __init__(self, view: ModelView) -> None:
        self._view = view
        self.group_name = line(wishes.GROUP_NAME, wishes.GROUP_TIP)
        self.group = button(wishes.GROUP, wishes.GROUP_TIP)
        self.path = line("Path of a model's folder")
        self.save = button("Save model", wishes.SAVE_TIP)
        self.load = button("Load model", wishes.LOAD_TIP)
        self.scvi = button(wishes.SCVI, wishes.SCVI_TIP)
        self.asked = Confirm(wishes.SCVI_ASKED, "Open", "Cancel")
        self.widget = column(
            row(self.group_name, self.group, flex_flow="row nowrap"),
            self.path,
            row(self.save, self.load, self.scvi),
            self.asked.widget,
        )
        self.hear_press(self.group, self._on_group)
        self.hear_enter(self.group_name, self._on_group)
        self.hear_press(self.save, lambda: self._with_path(view.save_requested.emit))
        self.hear_press(self.load, lambda: self._with_path(view.load_requested.emit))
        self.hear_press(self.scvi, lambda: self._with_path(self._offer_scvi))

    def _on_group(self) -> None:
        name = self.group_name.value.strip()
        if name:
            self._view.group_requested.emit(name)
            self.group_name.value = ""

    def _with_path(self, then: Callable[[Path], object]) -> None:
        path = typed_path(self.path.value)
        if path is None:
            self._view.set_message(NO_PATH)
        else:
            then(path)

    def _offer_scvi(self, path: Path) -> None:
        """Say what opening a folder runs, and open it on a yes."""
        from glasscell.models.scvi.file import what_it_runs

        try:
            words = what_it_runs(path)
        except GlasscellError as error:
            self._view.set_message(str(error))
            return
        self.asked.ask(words, lambda: self._view.scvi_requested.emit(path))
