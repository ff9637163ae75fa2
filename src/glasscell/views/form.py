"""Forms from parameter classes: one description of every field, which each front end turns into widgets."""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from glasscell.errors import GlasscellError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic.fields import FieldInfo

ParamsT = TypeVar("ParamsT", bound=BaseModel)
Value = Any


@dataclass(frozen=True)
class FieldSpec:
    """One field of a form.

    Parameters
    ----------
    name
        Of the parameter.
    title
        Of the field, for people.
    kind
        "int", "float", "bool", "choice", "text", "path" (of a file), or "list" (numbers or words,
        separated by commas).
    default
        As the parameter class has it.
    low, high
        Bounds of a number, or None.
    step
        Of an arrow key on a number, or None.
    choices
        Values of a choice.
    help
        One or two sentences.
    advanced
        Folded away at first.
    optional
        Whether None is a value; its field can be switched off.
    item
        Type of the items of a list.
    pattern
        Which files a path may be of, for example "Gene sets (*.gmt)".
    """

    name: str
    title: str
    kind: str
    default: Value = None
    low: float | None = None
    high: float | None = None
    step: float | None = None
    choices: tuple[Value, ...] = ()
    help: str = ""
    advanced: bool = False
    optional: bool = False
    item: type = str
    pattern: str = ""

    def write(self, value: Value) -> str:
        """Write a value as text that ``read`` turns back into an equal value."""
        if value is None:
            return ""
        if self.kind == "list":
            return ", ".join(_number_text(item) for item in value)
        return _number_text(value)

    def read(self, text: str) -> Value:
        """Read a value typed by a person.

        Raises
        ------
        GlasscellError
            The text is not of the field's kind.
        """
        plain = text.strip()
        if not plain and self.optional:
            return None
        try:
            if self.kind == "list":
                return tuple(self.item(part) for part in plain.replace(";", ",").split(",") if part.strip())
            if self.kind in ("int", "float"):
                return {"int": int, "float": float}[self.kind](plain)
        except ValueError:
            raise GlasscellError(f'{self.title}: "{text}" is not {_WANTED[self.kind]}') from None
        if self.kind == "bool":
            return plain.casefold() in ("1", "true", "yes", "on")
        if self.kind == "choice":
            for choice in self.choices:
                if plain == str(choice):
                    return choice
            raise GlasscellError(f'{self.title}: "{text}" is not one of {", ".join(map(str, self.choices))}')
        return plain


class FormValues:
    """A mixin of forms: the values of all fields by name; ``fields`` are the front end's own controls."""

    fields: dict[str, Any]

    def values(self) -> dict[str, Any]:
        """Values by name.

        Raises
        ------
        GlasscellError
            A text is not of its field's kind; the sentence names the field.
        """
        return {name: field.value() for name, field in self.fields.items()}

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Show values.

        Raises
        ------
        KeyError
            There is no field of a name; no value is shown then.
        """
        unknown = [name for name in values if name not in self.fields]
        if unknown:
            raise KeyError(f"The form has no field {', '.join(unknown)}; it has {', '.join(self.fields)}.")
        for name, value in values.items():
            self.fields[name].set_value(value)


_WANTED = {"int": "a whole number", "float": "a number", "list": "a list of values separated by commas"}


def fields(params: type[BaseModel] | BaseModel) -> tuple[FieldSpec, ...]:
    """Describe every parameter of a class; of an instance, with its values as defaults.

    Parameters
    ----------
    params
        A pydantic class. What a field can say about itself: ``Field(title=, description=, ge=, le=,
        json_schema_extra={"advanced": True, "step": 0.1})``; a str with ``{"path": "Gene sets (*.gmt)"}`` is
        the path of such a file.

    Returns
    -------
    One spec per field, in order.

    Raises
    ------
    GlasscellError
        A field has no default, or a type no form can show.
    """
    kind = params if isinstance(params, type) else type(params)
    specs = []
    for name, info in kind.model_fields.items():
        if info.is_required() and isinstance(params, type):
            raise GlasscellError(f"{kind.__name__}.{name} has no default, so no form can show it")
        default = info.get_default(call_default_factory=True) if params is kind else getattr(params, name)
        specs.append(_spec(kind.__name__, name, info, default))
    return tuple(specs)


def values(specs: Sequence[FieldSpec]) -> dict[str, Value]:
    """Defaults of the specs by name: what an untouched form gives."""
    return {spec.name: spec.default for spec in specs}


def build(params: type[ParamsT], given: Mapping[str, Value]) -> ParamsT:
    """Make the parameters from the values of a form.

    Raises
    ------
    GlasscellError
        A value is out of range; the sentence names the field and what it may be.
    """
    try:
        return params(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else params.__name__
        info = params.model_fields.get(name)
        title = (info.title if info is not None else None) or name.replace("_", " ")
        raise GlasscellError(f"{title}: {first['msg'][:1].lower()}{first['msg'][1:]}") from error


def _spec(owner: str, name: str, info: FieldInfo, default: Value) -> FieldSpec:
    """Describe one field."""
    annotation, optional = _without_none(info.annotation)
    kind, choices, item = _kind(annotation)
    if not kind:
        raise GlasscellError(f"{owner}.{name}: no form can show a field of type {annotation}")
    low, high = _bounds(info, integer=kind == "int")
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    step = extra.get("step")
    pattern = str(extra.get("path", "")) if kind == "text" else ""
    return FieldSpec(
        name=name,
        title=info.title or name.replace("_", " ").capitalize(),
        kind="path" if pattern else kind,
        default=default,
        low=low,
        high=high,
        step=float(step) if isinstance(step, int | float) else None,
        choices=choices,
        help=info.description or "",
        advanced=bool(extra.get("advanced", False)),
        optional=optional,
        item=item,
        pattern=pattern,
    )


def _without_none(annotation: Any) -> tuple[Any, bool]:
    """Strip ``| None`` from a type."""
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [part for part in get_args(annotation) if part is not type(None)]
        if len(rest) == 1:
            return rest[0], len(rest) < len(get_args(annotation))
    return annotation, False


def _kind(annotation: Any) -> tuple[str, tuple[Value, ...], type]:
    """Kind, choices and item type of a type; an empty kind when no form can show it."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return "choice", arguments, str
    if origin in (tuple, list) and arguments and arguments[0] in (int, float, str):
        return "list", (), arguments[0]
    return {bool: "bool", int: "int", float: "float", str: "text"}.get(annotation, ""), (), str


def _bounds(info: FieldInfo, *, integer: bool) -> tuple[float | None, float | None]:
    """Bounds from the field's constraints; an open bound of an integer moves by one."""
    low: float | None = None
    high: float | None = None
    for rule in info.metadata:
        low = getattr(rule, "ge", low)
        high = getattr(rule, "le", high)
        if getattr(rule, "gt", None) is not None:
            low = rule.gt + 1 if integer else rule.gt
        if getattr(rule, "lt", None) is not None:
            high = rule.lt - 1 if integer else rule.lt
    return low, high


def _number_text(value: Value) -> str:
    """Shortest text of a number that reads back as the same number."""
    return repr(value) if isinstance(value, float) else str(value)
