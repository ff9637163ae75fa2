"""Named inner parts, and nodes in layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from glasscell.models.cell_batch import CellBatch


@runtime_checkable
class Structured(Protocol):
    """A model with named inner parts: gates, masks, loadings, centroids."""

    def parts(self) -> Mapping[str, Any]:
        """Return read-only arrays by name."""
        ...


@runtime_checkable
class HasNodes(Structured, Protocol):
    """A model made of layers of named nodes, as ``NamedLatents`` in the order of ``encode``.

    Its ``parts`` tell among others ``reach``, genes that reach each node, and ``paths``, ways through it.
    """

    @property
    def layers(self) -> tuple[tuple[str, ...], ...]:
        """Names of the nodes of each layer, the one next to the genes first."""
        ...

    @property
    def n_free(self) -> tuple[int, ...]:
        """How many of each layer's nodes, its last ones, stand for nothing known."""
        ...

    def node_values(self, batch: CellBatch) -> tuple[Tensor, ...]:
        """Return the values of each layer's nodes, ``(n, n_nodes)`` each."""
        ...

    def logits_from(self, layer: int, values_cn: Tensor) -> Tensor:
        """Return what a layer's nodes add to the logits, later layers included, ``(n, n_classes)``."""
        ...
