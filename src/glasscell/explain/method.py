"""What a method of explanation declares, and the registry of all methods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from glasscell.errors import GlasscellError, NotCompatible
from glasscell.models.capability.attention import Attends
from glasscell.models.capability.classification import Classifies
from glasscell.models.capability.first_linear import FirstLinear
from glasscell.models.capability.intervention import Intervenes
from glasscell.models.capability.latent import Decodes, Encodes
from glasscell.models.capability.model import Model
from glasscell.models.capability.neighbour import UsesNeighbours
from glasscell.models.capability.structure import Structured

if TYPE_CHECKING:
    import torch

    from glasscell.explain.network import GradientOf, ScoreOf

Difference = Literal["input - baseline", "input", "one"]

# What a model may be asked for, in the words of a greyed-out menu entry.
NEEDS: Mapping[type, str] = {
    Model: "it offers no differentiable score",
    FirstLinear: "its first layer is not linear",
    Encodes: "it has no latent space",
    Decodes: "it does not decode latents to expression",
    Classifies: "it does not sort cells into classes",
    Attends: "it has no attention",
    UsesNeighbours: "it looks at one cell at a time",
    Structured: "it has no named inner parts",
    Intervenes: "its inputs cannot be changed one at a time",
}


class MethodParams(BaseModel):
    """Settings of a method: frozen, validated, with a help text for every field."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Params = TypeVar("Params", bound=MethodParams)


def valid_params(wanted: type[Params], values: Mapping[str, Any] | MethodParams | None, title: str) -> Params:
    """Validate settings; a bad one is reported in one sentence that lists those there are.

    Raises
    ------
    GlasscellError
        A setting is unknown or out of range.
    """
    if isinstance(values, wanted):
        return values
    given = values.model_dump() if isinstance(values, BaseModel) else dict(values or {})
    try:
        return wanted(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        known = ", ".join(wanted.model_fields) or "none"
        raise GlasscellError(
            f"{title}: setting {name!r} is not usable ({first['msg']}). Settings of this method: {known}."
        ) from error


class Engine(ABC):
    """The mathematics of one method, on a factored network and on any differentiable one."""

    @abstractmethod
    def hidden_gradient(
        self, gradient: GradientOf, hidden_ch: torch.Tensor, start_h: torch.Tensor, params: Any
    ) -> torch.Tensor:
        """Average the gradient over the method's path, in the space behind the first linear layer.

        Parameters
        ----------
        gradient
            Gradient of each row's score with respect to that row, ``(rows, hidden) -> (rows, hidden)``.
        hidden_ch
            First-layer output of the cells.
        start_h
            First-layer output of each cell's baseline, same shape.
        params
            The method's own params.
        """

    @abstractmethod
    def dense(
        self, score: ScoreOf, values_cg: torch.Tensor, start_cg: torch.Tensor, params: Any
    ) -> torch.Tensor:
        """Attribute the score to each input of each row through the whole network, in units of the score."""


@dataclass(frozen=True)
class MethodInfo:
    """A method of explanation as menus, forms, provenance and the documentation see it."""

    id: str
    title: str
    help: str
    needs: tuple[type, ...]
    gives: str
    signed: bool
    complete: bool
    unit: str
    source: str
    params: type[MethodParams]
    target: tuple[str, ...]
    difference: Difference
    engine: Engine

    kind: ClassVar[str] = "attribution"

    def __post_init__(self) -> None:
        """Refuse a method that does not say where it comes from, or needs what is no protocol."""
        if not self.source.startswith(("arXiv:", "doi:")):
            raise GlasscellError(
                f"Method {self.id!r} names no source: give a DOI (doi:...) or arXiv id (arXiv:...)."
            )
        for need in self.needs:
            try:
                isinstance(None, need)
            except TypeError as error:
                raise GlasscellError(
                    f"Method {self.id!r} needs {need!r}: name the protocol itself, as in needs=(Encodes,), "
                    "and make it runtime_checkable."
                ) from error

    @property
    def uses_baseline(self) -> bool:
        """Whether the result depends on the baseline a cell is compared with."""
        return self.difference == "input - baseline"

    def make_params(self, values: Mapping[str, Any] | MethodParams | None = None) -> MethodParams:
        """Validate settings; a bad one is reported in one sentence."""
        return valid_params(self.params, values, self.title)


BUILT_IN: Mapping[str, str] = {
    "integrated_gradients": "glasscell.explain.integrated_gradients:INFO",
    "input_x_gradient": "glasscell.explain.input_x_gradient:INFO",
    "saliency": "glasscell.explain.saliency:INFO",
}


class MethodRegistry(Mapping[str, MethodInfo]):
    """All methods by id: those of this package, and those other packages announce as entry points."""

    group = "glasscell.methods"

    def __init__(self) -> None:
        self._loaded: dict[str, MethodInfo] = {}
        self._places: dict[str, str] | None = None

    def _all(self) -> dict[str, str]:
        if self._places is None:
            found = {point.name: point.value for point in entry_points(group=self.group)}
            self._places = {
                **BUILT_IN,
                **{name: place for name, place in found.items() if name not in BUILT_IN},
            }
        return self._places

    def __getitem__(self, key: str) -> MethodInfo:
        """Return one method, loading its file on first use."""
        if key not in self._loaded:
            module, _, name = self._all()[key].partition(":")
            info = getattr(import_module(module), name)
            if not isinstance(info, MethodInfo):
                raise GlasscellError(f"The plugin for method {key!r} offers no MethodInfo; ask its author.")
            self._loaded[key] = info
        return self._loaded[key]

    def __iter__(self) -> Iterator[str]:
        """Iterate over ids, ours first."""
        return iter(self._all())

    def __len__(self) -> int:
        """Count the methods."""
        return len(self._all())

    def register(self, info: MethodInfo) -> None:
        """Add a method for this process only, for notebooks and tests."""
        self._all()[info.id] = ""
        self._loaded[info.id] = info

    def unregister(self, key: str) -> None:
        """Take back what ``register`` added."""
        self._all().pop(key, None)
        self._loaded.pop(key, None)


METHODS = MethodRegistry()


def method_info(key: str) -> MethodInfo:
    """Return a method by id; an unknown id lists the known ones."""
    if key not in METHODS:
        raise NotCompatible(f"There is no method {key!r}; there are {', '.join(METHODS)}.")
    return METHODS[key]


def why_not(method: str | MethodInfo, model: object) -> str | None:
    """Say in one clause why a method cannot explain a model, or None when it can.

    Front ends grey out what does not fit and show this sentence.
    """
    info = method if isinstance(method, MethodInfo) else method_info(method)
    for need in info.needs:
        if not isinstance(model, need):
            reason = NEEDS.get(need, f"it does not offer {need.__name__}")
            return f"{info.title} does not fit this model: {reason}."
    kinds = {target.kind for target in model.targets()} if isinstance(model, Model) else set()
    if kinds and not kinds & set(info.target):
        return (
            f"{info.title} explains {', '.join(info.target)}; this model has only {', '.join(sorted(kinds))}."
        )
    return None
