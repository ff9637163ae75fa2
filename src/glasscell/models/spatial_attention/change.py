"""What can be changed on purpose in a batch of ego graphs: genes of the centres, edges, neighbours."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from glasscell.errors import NotCompatible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glasscell.models.cell_batch import CellBatch, Intervention

_CANNOT = ("latents", "action", "batch", "drop_tokens")


def changed(batch: CellBatch, intervention: Intervention, genes: Sequence[str], title: str) -> CellBatch:
    """Return the batch without some edges, with others' neighbours or with genes of the centres set.

    Neighbours keep their expression when genes are set: they are changed by an intervention of their own.

    Parameters
    ----------
    genes, title
        Of the model.

    Raises
    ------
    NotCompatible
        Something else is asked for, or a gene is unknown.
    """
    asked = [name for name in _CANNOT if getattr(intervention, name) is not None]
    if asked or intervention.renormalise:
        said = ", ".join(asked) or "library sizes"
        raise NotCompatible(f"{title} cannot change {said}: change genes, edges or neighbours instead.")
    if intervention.genes is not None:
        batch = _with_genes(batch, intervention.genes, genes)
    if intervention.neighbours is not None:
        batch = _with_neighbours(batch, intervention.neighbours, title)
    if intervention.drop_edges is not None:
        edges = edges_of(batch, title)
        dropped = torch.as_tensor(list(intervention.drop_edges), dtype=torch.int64, device=edges.device)
        kept = torch.ones(edges.shape[1], dtype=torch.bool, device=edges.device)
        kept[dropped] = False
        batch = replace(batch, edges=edges[:, kept], distances=_of(batch, kept))
    return batch


def _of(batch: CellBatch, edges: Tensor) -> Tensor | None:
    """Return the lengths of some edges, by place or by mask."""
    return None if batch.distances is None else batch.distances[edges]


def edges_of(batch: CellBatch, title: str) -> Tensor:
    """Return senders and receivers, ``(2, n_edges)``; NotCompatible for a batch without a graph."""
    if batch.edges is None:
        raise NotCompatible(f"{title} looks at neighbours: make the batch from data with coordinates.")
    return batch.edges


def centre_of(batch: CellBatch) -> Tensor:
    """Return the rows that are scored, ``(m,)``."""
    everyone = torch.arange(len(batch), device=batch.expression.device)
    return everyone if batch.centre is None else batch.centre


def _with_genes(batch: CellBatch, values: Mapping[str, float], genes: Sequence[str]) -> CellBatch:
    place = {name: column for column, name in enumerate(genes)}
    unknown = [gene for gene in values if gene not in place]
    if unknown:
        raise NotCompatible(f"The model does not know the gene {unknown[0]!r}: choose one of its inputs.")
    expression, centre = batch.expression.clone(), centre_of(batch)
    for gene, value in values.items():
        expression[centre, place[gene]] = value
    return batch.with_expression(expression)


def _with_neighbours(batch: CellBatch, stand_in: Sequence[int], title: str) -> CellBatch:
    """Give each row the senders of another row of the batch."""
    edges = edges_of(batch, title)
    wanted = torch.as_tensor(list(stand_in), dtype=torch.int64, device=edges.device)
    if len(wanted) != len(batch):
        raise NotCompatible("Swapping neighbours needs a row of the batch for each of its rows.")
    receivers, places = (wanted[:, None] == edges[1][None]).nonzero(as_tuple=True)
    senders = edges[0][places]
    other = senders != receivers
    edges = torch.stack([senders[other], receivers[other]])
    return replace(batch, edges=edges, distances=_of(batch, places[other]))
