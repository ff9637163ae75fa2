"""Light and dark: one table of colours, one style sheet, text that is always plain."""

from __future__ import annotations

import html
from dataclasses import dataclass

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QApplication, QWidget

_PROPERTY = "glasscell_theme"


@dataclass(frozen=True)
class Theme:
    """Colours of the controls; ``canvas`` is the ground under the cells."""

    name: str
    canvas: str
    ground: str
    raised: str
    edge: str
    text: str
    muted: str
    accent: str
    on_accent: str
    ok: str
    warn: str
    bad: str
    unknown: str


DARK = Theme(
    name="dark",
    canvas="#000000",
    ground="#23242b",
    raised="#2e333e",
    edge="#4c5563",
    text="#f0f1f2",
    muted="#a4abb5",
    accent="#4f7bea",
    on_accent="#ffffff",
    ok="#3fbf83",
    warn="#e3b617",
    bad="#ff6b61",
    unknown="#9aa3ae",
)
LIGHT = Theme(
    name="light",
    canvas="#ffffff",
    ground="#ebe7e6",
    raised="#f8f6f5",
    edge="#b4b2af",
    text="#1e1e21",
    muted="#5c5c62",
    accent="#2f5fd0",
    on_accent="#ffffff",
    ok="#13794a",
    warn="#8a6200",
    bad="#b3201a",
    unknown="#666a70",
)


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
    widget.setObjectName("GlasscellView")
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


def _sheet(t: Theme) -> str:
    """Style sheet of a view."""
    hover = mix(t.raised, t.text, 0.10).name()
    stripe = mix(t.raised, t.text, 0.03).name()
    off = mix(t.muted, t.ground, 0.35).name()
    return f"""
    #GlasscellView {{ background: {t.ground}; }}
    #GlasscellView QWidget {{ color: {t.text}; }}
    #GlasscellView QLabel {{ background: transparent; }}
    #GlasscellView QLabel[role="heading"] {{ font-weight: 600; }}
    #GlasscellView QLabel[role="muted"] {{ color: {t.muted}; }}
    #GlasscellView QLabel[role="warn"] {{ color: {t.warn}; }}
    #GlasscellView QLabel[role="bad"] {{ color: {t.bad}; }}
    #GlasscellView QScrollArea, #GlasscellView QScrollArea > QWidget > QWidget {{ background: {t.ground}; border: none; }}
    #GlasscellView QLineEdit, #GlasscellView QAbstractSpinBox, #GlasscellView QComboBox {{
        background: {t.raised}; border: 1px solid {t.edge}; border-radius: 3px; padding: 2px 5px; min-height: 18px;
        selection-background-color: {t.accent}; selection-color: {t.on_accent}; }}
    #GlasscellView QLineEdit:focus, #GlasscellView QAbstractSpinBox:focus, #GlasscellView QComboBox:focus {{
        border-color: {t.accent}; }}
    #GlasscellView QLineEdit:disabled, #GlasscellView QAbstractSpinBox:disabled, #GlasscellView QComboBox:disabled {{
        color: {off}; }}
    #GlasscellView QComboBox QAbstractItemView, QAbstractItemView#GlasscellPopup {{ background: {t.raised};
        color: {t.text}; border: 1px solid {t.edge}; selection-background-color: {t.accent};
        selection-color: {t.on_accent}; outline: none; }}
    #GlasscellView QPushButton, #GlasscellView QToolButton {{ background: {t.raised}; border: 1px solid {t.edge};
        border-radius: 3px; padding: 3px 8px; min-height: 18px; }}
    #GlasscellView QToolButton {{ padding: 3px; }}
    #GlasscellView QToolButton[flat="true"], #GlasscellView QToolButton[flat="true"]:checked {{
        background: transparent; border: none; font-weight: 600; color: {t.text}; }}
    #GlasscellView QToolButton[flat="true"]:hover {{ color: {t.accent}; }}
    #GlasscellView QToolButton::menu-indicator {{ image: none; }}
    #GlasscellView QPushButton:hover, #GlasscellView QToolButton:hover {{ background: {hover}; }}
    #GlasscellView QPushButton:pressed, #GlasscellView QToolButton:pressed {{ background: {t.edge}; }}
    #GlasscellView QPushButton:checked, #GlasscellView QToolButton:checked {{ background: {t.accent};
        border-color: {t.accent}; color: {t.on_accent}; }}
    #GlasscellView QPushButton:disabled, #GlasscellView QToolButton:disabled {{ color: {off}; background: {t.ground}; }}
    #GlasscellView QPushButton[role="primary"]:enabled {{ background: {t.accent}; border-color: {t.accent};
        color: {t.on_accent}; font-weight: 600; }}
    #GlasscellView QPushButton[role="primary"]:enabled:hover {{ background: {mix(t.accent, t.text, 0.12).name()}; }}
    #GlasscellView QAbstractItemView {{ background: {t.raised}; alternate-background-color: {stripe};
        border: 1px solid {t.edge}; border-radius: 3px; outline: none; gridline-color: {t.edge}; }}
    #GlasscellView QAbstractItemView::item:selected {{ background: {mix(t.raised, t.accent, 0.35).name()};
        color: {t.text}; }}
    #GlasscellView QHeaderView {{ background: {t.raised}; border: none; }}
    #GlasscellView QHeaderView::section {{ background: {t.raised}; color: {t.muted}; border: none;
        border-bottom: 1px solid {t.edge}; padding: 2px 4px; }}
    #GlasscellView QFrame[role="rule"] {{ background: {t.edge}; border: none; }}
    #GlasscellView QComboBox::drop-down {{ border: none; width: 16px; }}
    #GlasscellView QAbstractSpinBox::up-button, #GlasscellView QAbstractSpinBox::down-button {{ border: none;
        background: transparent; width: 15px; }}
    #GlasscellView QComboBox::down-arrow, #GlasscellView QAbstractSpinBox::down-arrow {{ image: none; width: 0;
        height: 0; border-left: 4px solid {t.raised}; border-right: 4px solid {t.raised};
        border-top: 4px solid {t.muted}; }}
    #GlasscellView QAbstractSpinBox::up-arrow {{ image: none; width: 0; height: 0;
        border-left: 4px solid {t.raised}; border-right: 4px solid {t.raised};
        border-bottom: 4px solid {t.muted}; }}
    #GlasscellView QCheckBox::indicator, #GlasscellView QTreeView::indicator {{ width: 11px; height: 11px;
        border: 1px solid {t.muted}; background: {t.raised}; border-radius: 2px; }}
    #GlasscellView QCheckBox::indicator:checked, #GlasscellView QTreeView::indicator:checked {{
        background: {t.accent}; border-color: {t.accent}; }}
    QScrollBar:vertical {{ background: transparent; width: 9px; margin: 0; }}
    QScrollBar::handle:vertical {{ background: {t.edge}; min-height: 24px; border-radius: 4px; margin: 1px; }}
    QScrollBar::handle:vertical:hover {{ background: {t.muted}; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
    #GlasscellView QProgressBar {{ background: {t.raised}; border: 1px solid {t.edge}; border-radius: 3px;
        text-align: center; min-height: 10px; max-height: 14px; }}
    #GlasscellView QProgressBar::chunk {{ background: {t.accent}; border-radius: 2px; }}
    """
