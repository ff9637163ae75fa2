"""A form from field specs: every parameter with its own control, advanced ones folded away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QCheckBox, QFileDialog, QFormLayout, QLineEdit, QVBoxLayout, QWidget

from glasscell.qt.number import NumberBox, WholeBox
from glasscell.qt.style import plain_tip
from glasscell.qt.text import Choice, Fold, button, caption, column_of, row_of
from glasscell.views.form import FormValues

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.views.form import FieldSpec


class Field(QWidget):
    """The control of one spec."""

    changed = Signal()

    def __init__(self, spec: FieldSpec) -> None:
        super().__init__()
        self.spec = spec
        self.control = _control(spec)
        self.switch = QCheckBox() if spec.optional else None
        tip = f"Choose the file of {spec.title.lower()}"
        self.browse = button("Browse…", tip) if spec.kind == "path" else None
        self._written = ""
        if self.switch is not None:
            self.switch.setToolTip(plain_tip(f"Use {spec.title.lower()}"))
            self.switch.toggled.connect(self.control.setEnabled)
            self.switch.toggled.connect(self.changed)
        parts = [part for part in (self.switch, self.control, self.browse) if part is not None]
        column_of(row_of(*parts, stretch=parts.index(self.control)), parent=self)
        self.control.setToolTip(plain_tip(spec.help))
        self.control.setAccessibleName(spec.title)
        self.set_value(spec.default)
        self._connect()

    def value(self) -> Any:
        """Value of the field, of the spec's own type.

        Raises
        ------
        GlasscellError
            The text in it is not of the field's kind.
        """
        control = self.control
        if self.switch is not None and not self.switch.isChecked():
            return None
        if isinstance(control, QCheckBox):
            return control.isChecked()
        if isinstance(control, NumberBox | WholeBox):
            return control.value()
        if isinstance(control, Choice):
            return control.currentData()
        text = control.text()
        return (
            self.spec.default
            if text == self._written and text == self.spec.write(self.spec.default)
            else self.spec.read(text)
        )

    def set_value(self, value: Any) -> None:
        """Show a value."""
        control = self.control
        if self.switch is not None:
            self.switch.setChecked(value is not None)
            control.setEnabled(value is not None)
            if value is None:
                return
        if isinstance(control, QCheckBox):
            control.setChecked(bool(value))
        elif isinstance(control, NumberBox):
            control.setValue(float(value))
        elif isinstance(control, WholeBox):
            control.setValue(int(value))
        elif isinstance(control, Choice):
            control.setCurrentIndex(self.spec.choices.index(value))
        else:
            self._written = self.spec.write(value)
            control.setText(self._written)

    def _connect(self) -> None:
        control = self.control
        if isinstance(control, QCheckBox):
            control.toggled.connect(self.changed)
        elif isinstance(control, NumberBox | WholeBox):
            control.valueChanged.connect(self.changed)
        elif isinstance(control, Choice):
            control.currentIndexChanged.connect(self.changed)
        else:
            control.textEdited.connect(self.changed)
        if self.browse is not None:
            self.browse.clicked.connect(self._on_browse)

    def _on_browse(self) -> None:
        assert isinstance(self.control, QLineEdit)
        kinds = f"{self.spec.pattern};;All files (*)"
        path, _ = QFileDialog.getOpenFileName(self, f"Open {self.spec.title.lower()}", "", kinds)
        if path:
            self.control.setText(path)
            self.changed.emit()


class QtForm(QWidget, FormValues):
    """Fields below each other; ``values()`` of an untouched form are the defaults.

    Parameters
    ----------
    specs
        The fields; more can be set later with ``set_fields``.
    """

    changed = Signal()

    def __init__(self, specs: Sequence[FieldSpec] = ()) -> None:
        super().__init__()
        self.fields: dict[str, Field] = {}
        self.more: Fold | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        self.set_fields(specs)

    def set_fields(self, specs: Sequence[FieldSpec]) -> None:
        """Show other fields at their defaults."""
        while (item := self._column.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.setParent(None)
                widget.deleteLater()
        self.fields = {spec.name: Field(spec) for spec in specs}
        for field in self.fields.values():
            field.changed.connect(self.changed)
        plain = [field for field in self.fields.values() if not field.spec.advanced]
        advanced = [field for field in self.fields.values() if field.spec.advanced]
        if plain:
            self._column.addWidget(_page(plain))
        self.more = Fold("More settings", _page(advanced), is_open=not plain) if advanced else None
        if self.more is not None:
            self._column.addWidget(self.more)


def _page(fields: Sequence[Field]) -> QWidget:
    """Titles at the left, controls at the right."""
    page = QWidget()
    layout = QFormLayout(page)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setHorizontalSpacing(8)
    layout.setVerticalSpacing(4)
    layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    layout.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    for field in fields:
        title = caption(field.spec.title)
        title.setToolTip(plain_tip(field.spec.help))
        layout.addRow(title, field)
    return page


def _control(spec: FieldSpec) -> QCheckBox | NumberBox | WholeBox | Choice | QLineEdit:
    """Make the control of a spec."""
    if spec.kind == "bool":
        return QCheckBox()
    if spec.kind == "int":
        return WholeBox(spec.low, spec.high, spec.step)
    if spec.kind == "float":
        box = NumberBox()
        box.setRange(
            box.minimum() if spec.low is None else spec.low, box.maximum() if spec.high is None else spec.high
        )
        box.set_step(spec.step)
        return box
    if spec.kind == "choice":
        choice = Choice()
        for value in spec.choices:
            choice.addItem(str(value).replace("_", " "), value)
        return choice
    return QLineEdit()
