"""Channels: the names of one-value-per-cell columns, and the columns themselves.

Everything a view can colour by is a channel: a gene, a cluster, an attribution. A `ChannelRef` is the small
frozen name; `resolve_channel` turns it into `CellValues`. A new kind of result registers one resolver here.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from glasscell.errors import DataError

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset

ParamValue = str | int | float | bool
FloatArray = npt.NDArray[np.float32]
CodeArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ChannelRef:
    """The name of a channel: small, frozen, hashable, and JSON-able.

    Parameters
    ----------
    kind
        Which resolver answers: "gene", "obs", "embedding", "position", "group", "attribution", "prediction",
        ...
    key
        The name within the kind, for example a gene or an obs column.
    params
        Sorted (name, value) pairs; build them with `ChannelRef.make`.
    """

    kind: str
    key: str
    params: tuple[tuple[str, ParamValue], ...] = ()

    @classmethod
    def make(cls, kind: str, key: str, **params: ParamValue) -> ChannelRef:
        """Build a reference whose parameters are sorted by name."""
        return cls(kind, key, tuple(sorted(params.items())))

    def param(self, name: str, default: ParamValue | None = None) -> ParamValue | None:
        """Return one parameter, or `default` when it is absent."""
        return dict(self.params).get(name, default)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types; `from_json` gives an equal reference back."""
        return {"kind": self.kind, "key": self.key, "params": dict(self.params)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ChannelRef:
        """Rebuild a reference written by `to_json`."""
        return cls.make(str(data["kind"]), str(data["key"]), **dict(data.get("params", {})))


@dataclass(frozen=True, eq=False)
class CellValues:
    """One number or one category per cell, with all that is needed to draw and caption it.

    Parameters
    ----------
    title
        What the column shows, as written above a colour bar.
    unit
        Unit of `values`; empty for categories.
    values
        float32, shape ``(n_cells,)``, NaN where missing. Exactly one of `values` and `codes` is given.
    codes
        int32, shape ``(n_cells,)``, index into `categories`, -1 where missing.
    categories
        Names of the categories, in legend order.
    palette
        One "#rrggbb" per category, or None for the default palette.
    centre
        Value drawn in the neutral colour of a diverging scale (0 for attributions), or None for a sequential
        scale.
    fingerprint
        Hash of the content; worked out when left empty.
    note
        A caution to show beside the title, for example "held out".
    greyed
        Whether to draw the values in near greys, because they are of something never observed.
    """

    title: str
    unit: str = ""
    values: FloatArray | None = None
    codes: CodeArray | None = None
    categories: tuple[str, ...] = ()
    palette: tuple[str, ...] | None = None
    centre: float | None = None
    fingerprint: str = field(default="", compare=False)
    note: str = ""
    greyed: bool = False

    def __post_init__(self) -> None:
        """Coerce the arrays, check that they agree, and fill the fingerprint."""
        if (self.values is None) == (self.codes is None):
            raise DataError(
                f'Channel "{self.title}" needs either numbers or categories, not both or neither.'
            )
        if self.values is not None:
            object.__setattr__(self, "values", _read_only(self.values, np.float32))
        if self.codes is not None:
            object.__setattr__(self, "codes", _read_only(self.codes, np.int32))
            if self.palette is not None and len(self.palette) != len(self.categories):
                raise DataError(
                    f'Channel "{self.title}" has {len(self.categories)} categories but {len(self.palette)} '
                    f"colours."
                )
        if not self.fingerprint:
            object.__setattr__(self, "fingerprint", self._hash())

    def __len__(self) -> int:
        return len(self.values if self.values is not None else cast("CodeArray", self.codes))

    @property
    def kind(self) -> str:
        """Return "continuous" or "categorical"."""
        return "continuous" if self.values is not None else "categorical"

    @property
    def missing(self) -> BoolArray:
        """Return the cells without a value, bool of shape ``(n_cells,)``."""
        if self.values is not None:
            return np.isnan(self.values)
        return cast("CodeArray", self.codes) < 0

    def text(self, cell: int) -> str:
        """Return the value of one cell as words, for a hover line."""
        if self.values is not None:
            number = float(self.values[cell])
            return "missing" if np.isnan(number) else f"{number:.4g} {self.unit}".rstrip()
        code = int(cast("CodeArray", self.codes)[cell])
        return "missing" if code < 0 else self.categories[code]

    def _hash(self) -> str:
        array = self.values if self.values is not None else cast("CodeArray", self.codes)
        digest = hashlib.blake2b(array.tobytes(), digest_size=16)
        digest.update("\x1f".join((self.kind, *self.categories)).encode())
        return digest.hexdigest()


class ChannelContext(Protocol):
    """What a resolver may ask for: the dataset, and results by their ids."""

    @property
    def dataset(self) -> Dataset:
        """The dataset whose cells the column describes."""
        ...

    def bundle(self, model: str) -> Any:
        """Return a trained bundle by id."""
        ...

    def explanation(self, explanation: str) -> Any:
        """Return an explanation by id."""
        ...

    def group_mask(self, name: str) -> BoolArray:
        """Return a named group of cells as bool of shape ``(n_cells,)``."""
        ...


Resolver = Callable[[Any, ChannelRef], CellValues]

# Text entries are imported on first use, so that naming a channel loads nothing.
_RESOLVERS: dict[str, Resolver | str] = {
    "gene": "glasscell.data.column:resolve_gene",
    "obs": "glasscell.data.column:resolve_obs",
    "embedding": "glasscell.data.column:resolve_embedding",
    "position": "glasscell.data.column:resolve_position",
    "group": "glasscell.data.column:resolve_group",
    "difference": "glasscell.data.difference:resolve_difference",
}


def register_channel(kind: str, resolver: Resolver | str) -> None:
    """Make `resolver` answer for every reference of this kind.

    Parameters
    ----------
    kind
        The reference's `kind`.
    resolver
        A function of (context, reference), or "module:function" to be imported on first use.
    """
    _RESOLVERS[kind] = resolver


def channel_kinds() -> tuple[str, ...]:
    """Return the kinds that can be resolved now, sorted."""
    return tuple(sorted(_RESOLVERS))


def resolve_channel(context: Any, ref: ChannelRef) -> CellValues:
    """Return the column that a reference names.

    Parameters
    ----------
    context
        A `ChannelContext`: the session, or `glasscell.data.column.DataContext` for a dataset alone.
    ref
        The channel's name.

    Raises
    ------
    DataError
        The kind is not known, or nothing of that name exists.
    """
    resolver = _RESOLVERS.get(ref.kind)
    if resolver is None:
        raise DataError(
            f'There is no kind of channel called "{ref.kind}"; known kinds are {", ".join(channel_kinds())}.'
        )
    if isinstance(resolver, str):
        module, _, name = resolver.partition(":")
        resolver = cast("Resolver", getattr(importlib.import_module(module), name))
        _RESOLVERS[ref.kind] = resolver
    held = getattr(context, "held", None)  # a context may keep columns, so that each is worked out once
    return resolver(context, ref) if held is None else cast("CellValues", held(ref, resolver))


def _read_only(array: npt.ArrayLike, dtype: type[np.generic]) -> npt.NDArray[Any]:
    result = np.ascontiguousarray(array, dtype=dtype)
    if result.ndim != 1:
        raise DataError(f"A channel holds one value per cell; this one has shape {result.shape}.")
    if result is array or not result.flags.owndata:
        result = result.view()
    result.flags.writeable = False
    return result
