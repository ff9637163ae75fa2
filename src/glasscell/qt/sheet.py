"""The style sheet of the views; ``@`` stands for the root of a view, ``$name`` for a colour of the theme."""

from __future__ import annotations

from string import Template

ROOT = "GlasscellView"

_RULES = """
@ { background: $ground; }
@ QWidget { color: $text; }
@ QLabel { background: transparent; }
@ QLabel[role="heading"] { font-weight: 600; }
@ QLabel[role="muted"] { color: $muted; }
@ QLabel[role="warn"] { color: $warn; }
@ QLabel[role="bad"] { color: $bad; }
@ QFrame[role="rule"] { background: $edge; border: none; }
@ QScrollArea, @ QScrollArea > QWidget > QWidget { background: $ground; border: none; }

@ QLineEdit, @ QAbstractSpinBox, @ QComboBox {
    background: $raised; border: 1px solid $edge; border-radius: 3px; padding: 2px 5px; min-height: 18px;
    selection-background-color: $accent; selection-color: $on_accent; }
@ QLineEdit:focus, @ QAbstractSpinBox:focus, @ QComboBox:focus { border-color: $accent; }
@ QLineEdit:disabled, @ QAbstractSpinBox:disabled, @ QComboBox:disabled { color: $off; }
@ QComboBox QAbstractItemView {
    background: $raised; color: $text; border: 1px solid $edge; outline: none;
    selection-background-color: $accent; selection-color: $on_accent; }
@ QComboBox::drop-down { border: none; width: 16px; }
@ QAbstractSpinBox::up-button, @ QAbstractSpinBox::down-button {
    border: none; background: transparent; width: 15px; }
@ QComboBox::down-arrow, @ QAbstractSpinBox::down-arrow {
    image: none; width: 0; height: 0;
    border-left: 4px solid $raised; border-right: 4px solid $raised; border-top: 4px solid $muted; }
@ QAbstractSpinBox::up-arrow {
    image: none; width: 0; height: 0;
    border-left: 4px solid $raised; border-right: 4px solid $raised; border-bottom: 4px solid $muted; }

@ QCheckBox::indicator, @ QTreeView::indicator, @ QListView::indicator {
    width: 11px; height: 11px; border: 1px solid $muted; background: $raised; border-radius: 2px; }
@ QCheckBox::indicator:checked, @ QTreeView::indicator:checked, @ QListView::indicator:checked {
    background: $accent; border-color: $accent; image: url("$check"); }

@ QPushButton, @ QToolButton {
    background: $raised; border: 1px solid $edge; border-radius: 3px; padding: 3px 8px; min-height: 18px; }
@ QToolButton { padding: 3px; }
@ QPushButton:hover, @ QToolButton:hover { background: $hover; }
@ QPushButton:pressed, @ QToolButton:pressed { background: $edge; }
@ QPushButton:checked, @ QToolButton:checked {
    background: $accent; border-color: $accent; color: $on_accent; }
@ QPushButton:disabled, @ QToolButton:disabled { color: $off; background: $ground; }
@ QPushButton[role="primary"]:enabled {
    background: $accent; border-color: $accent; color: $on_accent; font-weight: 600; }
@ QPushButton[role="primary"]:enabled:hover { background: $accent_hover; }
@ QToolButton[flat="true"], @ QToolButton[flat="true"]:checked {
    background: transparent; border: none; font-weight: 600; color: $text; }
@ QToolButton[flat="true"]:hover { color: $accent; }
@ QToolButton::menu-indicator { image: none; }

@ QAbstractItemView {
    background: $raised; alternate-background-color: $stripe; border: 1px solid $edge; border-radius: 3px;
    outline: none; gridline-color: $edge; }
@ QListWidget::item { min-height: 20px; }
@ QListWidget::item:disabled { color: $off; }
@ QListView::indicator:disabled { border-color: $edge; }
@ QAbstractItemView::item:selected { background: $chosen; color: $text; }
@ QHeaderView { background: $raised; border: none; }
@ QHeaderView::section {
    background: $raised; color: $muted; border: none; border-bottom: 1px solid $edge; padding: 2px 4px; }

@ QProgressBar {
    background: $raised; border: 1px solid $edge; border-radius: 3px; text-align: center;
    min-height: 10px; max-height: 14px; }
@ QProgressBar::chunk { background: $accent; border-radius: 2px; }
@ QScrollBar:vertical { background: transparent; width: 9px; margin: 0; }
@ QScrollBar::handle:vertical { background: $edge; min-height: 24px; border-radius: 4px; margin: 1px; }
@ QScrollBar::handle:vertical:hover { background: $muted; }
@ QScrollBar::add-line, @ QScrollBar::sub-line { width: 0; height: 0; }
@ QScrollBar::add-page, @ QScrollBar::sub-page { background: transparent; }
"""


def sheet(**colours: str) -> str:
    """Fill the colours into the rules; a missing one is a KeyError."""
    return Template(_RULES.replace("@", f"#{ROOT}")).substitute(colours)
