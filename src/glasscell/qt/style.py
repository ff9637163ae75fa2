"""Light and dark: one table of colours, one style sheet, text that is always plain."""

from __future__ import annotations

import html
from dataclasses import asdict
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QApplication, QWidget

from glasscell.qt.sheet import ROOT, sheet
from glasscell.views.theme import DARK as DARK
from glasscell.views.theme import LIGHT as LIGHT
from glasscell.views.theme import Theme as Theme

_PROPERTY = "glasscell_theme"


def set_theme(dark: bool, *widgets: QWidget) -> None:
    """Style widgets for a dark or a light window.

    Parameters
    ----------
    dark
        Which of the two.
    widgets
        The views' widgets; without any, every view that is open.
    """
    theme = DARK if dark else LIGHT
    chosen = widgets or tuple(w for w in QApplication.allWidgets() if w.property(_PROPERTY) is not None)
    for widget in chosen:
        widget.setProperty(_PROPERTY, theme.name)
        widget.setStyleSheet(_sheet(theme))


def adopt(widget: QWidget) -> None:
    """Make a widget the root of a view: it takes part in ``set_theme`` from now on."""
    widget.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, True)
    widget.setObjectName(ROOT)
    set_theme(_palette_is_dark(), widget)


def theme_of(widget: QWidget) -> Theme:
    """Theme of the view a widget belongs to."""
    ancestor: QWidget | None = widget
    while ancestor is not None:
        name = ancestor.property(_PROPERTY)
        if name is not None:
            return DARK if name == "dark" else LIGHT
        ancestor = ancestor.parentWidget()
    return DARK if _palette_is_dark() else LIGHT


def plain_tip(text: str) -> str:
    """Make a tooltip that wraps and shows a name from the data as it is, never as markup."""
    return f"<qt>{html.escape(text).replace(chr(10), '<br>')}</qt>" if text else ""


def plain_button(text: str) -> str:
    """Make a button's text, in which Qt would read an ampersand as a short cut."""
    return text.replace("&", "&&")


def mix(first: str, second: str, share: float) -> QColor:
    """Mix two colours; ``share`` of the second."""
    a, b = QColor(first), QColor(second)
    pairs = ((a.red(), b.red()), (a.green(), b.green()), (a.blue(), b.blue()))
    return QColor(*(round(x + (y - x) * share) for x, y in pairs))


def _palette_is_dark() -> bool:
    """Whether the application itself looks dark."""
    return bool(QApplication.palette().color(QPalette.ColorRole.Window).lightness() < 128)


def _sheet(theme: Theme) -> str:
    """Style sheet of a view."""
    return sheet(
        **asdict(theme),
        hover=mix(theme.raised, theme.text, 0.10).name(),
        stripe=mix(theme.raised, theme.text, 0.03).name(),
        chosen=mix(theme.raised, theme.accent, 0.35).name(),
        accent_hover=mix(theme.accent, theme.text, 0.12).name(),
        off=mix(theme.muted, theme.ground, 0.35).name(),
        check=(Path(__file__).parent / "check.png").as_posix(),
    )
