"""What a channel resolver may ask for, as a snapshot that a worker thread can hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from glasscell.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from glasscell.data.channel import CellValues, ChannelRef, Resolver
    from glasscell.data.dataset import Dataset
    from glasscell.explain.result import Explanation
    from glasscell.models.bundle import Bundle
    from glasscell.session.state import Group
    from glasscell.session.store import Key, Store

#: Channels of a model's classes: where those were groups, they have the colours of these.
OF_CLASSES = frozenset(
    {("applied", "label"), ("comparison", "label"), ("perturbation", "flip"), ("prediction", "label")}
)


@dataclass(frozen=True, eq=False)
class Context:
    """One dataset with the groups and results of one state; the protocol of ``resolve_channel``.

    ``name`` is the dataset's in the session: its fingerprint stays the same when annotations change, its
    name not.
    """

    dataset: Dataset
    name: str
    store: Store
    groups: tuple[Group, ...] = field(default=())

    def bundle(self, model: str) -> Bundle:
        """Return a trained bundle by id; DataError when it has gone."""
        return cast("Bundle", self._stored("bundle", model, "model"))

    def explanation(self, explanation: str) -> Explanation:
        """Return an explanation by id; DataError when it has gone."""
        return cast("Explanation", self._stored("explanation", explanation, "explanation"))

    def result(self, kind: str, name: str) -> Any:
        """Return another kind of result, such as a ``traversal``, by id; DataError when it has gone."""
        return self._stored(kind, name, kind)

    def group_mask(self, name: str) -> NDArray[np.bool_]:
        """Return a named group as bool of shape ``(n_cells,)``; DataError when there is none of that name."""
        for group in self.groups:
            if group.name == name:
                return group.cells.mask(self)
        raise DataError(f'There is no group called "{name}".')

    def held(self, ref: ChannelRef, make: Resolver) -> CellValues:
        """Return a channel's column from the store, made first when it is not there."""
        key = self.column_key(ref)
        values = cast("CellValues | None", self.store.get(key))
        if values is None:
            values = make(self, ref)
            self.store.put(key, values, 4 * len(values))
        return values

    def column_key(self, ref: ChannelRef) -> Key:
        """Name a column by all that it depends on."""
        cells = ""
        if ref.kind == "group":
            cells = next((group.cells.digest for group in self.groups if group.name == ref.key), "")
        if (ref.kind, ref.key) in OF_CLASSES:
            cells = repr([(group.name, group.colour) for group in self.groups])
        if ref.kind == "groups":
            cells = repr([(group.name, group.colour, group.cells.digest) for group in self.groups])
        return ("column", ref, self.name, cells)

    def _stored(self, kind: str, name: str, word: str) -> Any:
        value = self.store.get((kind, name))
        if value is None:
            raise DataError(f"The {word} {name} is no longer in memory; load or make it again.")
        return value
