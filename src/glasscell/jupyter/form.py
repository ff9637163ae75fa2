"""A form from field specs: every parameter with its own control, advanced ones folded away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets
from psygnal import Signal

from glasscell.jupyter.home import at_home
from glasscell.jupyter.panel import WIDE, Words, close, column, fold, row
from glasscell.views.form import FormValues

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.views.form import FieldSpec

_WHOLE = 2**53


class Field:
    """The control of one spec."""

    def __init__(self, spec: FieldSpec) -> None:
        self.spec = spec
        self.control = _control(spec)
        self.control.tooltip = spec.help
        self.control.layout.width = WIDE
        self.switch: ipywidgets.Checkbox | None = None
        self._written = ""
        title = Words(spec.title)
        title.tooltip = spec.help
        title.layout.flex = "0 0 9em"
        parts: list[ipywidgets.Widget] = [title, self.control]
        if spec.optional:
            self.switch = ipywidgets.Checkbox(indent=False, tooltip=f"Use {spec.title.lower()}")
            self.switch.layout.width = "2em"
            self.switch.observe(lambda change: at_home(self._on_switched, change), "value")
            parts.insert(1, self.switch)
        self.widget = row(*parts, flex_flow="row nowrap")
        self.set_value(spec.default)

    def value(self) -> Any:
        """Value of the field, of the spec's own type.

        Raises
        ------
        GlasscellError
            The text in it is not of the field's kind.
        """
        if self.switch is not None and not self.switch.value:
            return None
        given = self.control.value
        if not isinstance(self.control, ipywidgets.Text):
            return given
        untouched = given == self._written and given == self.spec.write(self.spec.default)
        return self.spec.default if untouched else self.spec.read(given)

    def set_value(self, value: Any) -> None:
        """Show a value."""
        if self.switch is not None:
            self.switch.value = value is not None
            self.control.disabled = value is None
            if value is None:
                return
        if isinstance(self.control, ipywidgets.Text):
            self._written = value = self.spec.write(value)
        self.control.value = value

    def _on_switched(self, change: Any) -> None:
        self.control.disabled = not change["new"]


class JupyterForm(FormValues):
    """Fields below each other; ``values()`` of an untouched form are the defaults.

    Parameters
    ----------
    specs
        The fields; more can be set later with ``set_fields``.
    """

    changed = Signal()

    def __init__(self, specs: Sequence[FieldSpec] = ()) -> None:
        self.fields: dict[str, Field] = {}
        self.widget = column()
        self.set_fields(specs)

    def set_fields(self, specs: Sequence[FieldSpec]) -> None:
        """Show other fields at their defaults; the controls of the former ones are closed."""
        former = self.widget.children
        self.fields = {spec.name: Field(spec) for spec in specs}
        for field in self.fields.values():
            for control in (field.control, field.switch):
                if control is not None:
                    control.observe(lambda _: at_home(self.changed.emit), "value")
        plain = [field.widget for field in self.fields.values() if not field.spec.advanced]
        advanced = [field.widget for field in self.fields.values() if field.spec.advanced]
        more = [fold("More settings", column(*advanced), is_open=not plain)] if advanced else []
        self.widget.children = (*plain, *more)
        for part in former:
            close(part)


def _control(spec: FieldSpec) -> Any:
    """Make the control of a spec; numbers are typed as text, which loses no digit and knows no step."""
    if spec.kind == "bool":
        return ipywidgets.Checkbox(indent=False)
    if spec.kind == "int":
        low = -_WHOLE if spec.low is None else int(spec.low)
        high = _WHOLE if spec.high is None else int(spec.high)
        return ipywidgets.BoundedIntText(min=low, max=high, step=int(spec.step or 1), value=max(low, 0))
    if spec.kind == "choice":
        options = [(str(value).replace("_", " "), value) for value in spec.choices]
        return ipywidgets.Dropdown(options=options)
    return ipywidgets.Text(continuous_update=False)
