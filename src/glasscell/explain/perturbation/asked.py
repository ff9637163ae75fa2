"""A request with every name resolved, and what it makes of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from glasscell.errors import NotCompatible
from glasscell.explain.method import valid_params
from glasscell.explain.perturbation.answer import Answer, action_code, ask, ask_given, why_not_perturb
from glasscell.explain.perturbation.change import GeneChange, Levels, gene_places
from glasscell.explain.perturbation.request import PerturbationParams
from glasscell.explain.perturbation.result import PerturbationProvenance
from glasscell.explain.training import as_cells

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.explain.perturbation.request import PerturbationRequest
    from glasscell.models.bundle import Bundle
    from glasscell.models.cell_batch import CellBatch


@dataclass(frozen=True, eq=False)
class Asked:
    """A request with every name resolved.

    Parameters
    ----------
    cells, net_of_cell
        Sorted cells and the net that is asked for each, ``(n,)``.
    chosen
        Which cells of the dataset are changed, bool ``(n_cells,)``: neighbours among them are changed too.
    places, levels, change
        Places of the genes, their levels and the change; None for a learned perturbation.
    action
        Code of a learned perturbation, or -1.
    """

    dataset: Dataset
    bundle: Bundle
    cells: NDArray[np.int32]
    net_of_cell: NDArray[np.int32]
    chosen: NDArray[np.bool_]
    request: PerturbationRequest
    params: PerturbationParams
    places: NDArray[np.int64] | None
    levels: Levels | None
    change: GeneChange | None
    action: int

    @property
    def provenance(self) -> PerturbationProvenance:
        """Everything needed to make the result again."""
        request, bundle = self.request, self.bundle
        genes = () if self.places is None else tuple(str(bundle.genes[int(at)]) for at in self.places)
        return PerturbationProvenance(
            title=request.title,
            genes=genes,
            direction=request.direction,
            action=request.action,
            params=self.params.model_dump(),
            nets=request.nets,
            seed=request.seed,
            model=bundle.id,
            model_fingerprint=bundle.fingerprint,
            data=self.dataset.fingerprint,
            family=bundle.family,
            labels=bundle.labels_name,
        )

    def after(
        self, net: Any, batch: CellBatch, change: GeneChange | None = None, *, decode: bool = False
    ) -> Answer:
        """Ask about a batch of these cells once it is changed, by the request or by another change."""
        change = change or self.change
        if change is None:
            return ask_given(net, batch, self.action, decode=decode)
        rows = torch.from_numpy(self.chosen[batch.indices.cpu().numpy()]).to(batch.expression.device)
        return ask(net, change(batch, net, rows), decode=decode)


def resolve(dataset: Dataset, bundle: Bundle, request: PerturbationRequest) -> Asked:
    """Resolve a request, refusing in one sentence what cannot be done."""
    model: Any = bundle.folds[0]
    reason = why_not_perturb(model)
    if reason is not None:
        raise NotCompatible(reason)
    params = valid_params(PerturbationParams, request.params, "Perturbation")
    cells = as_cells(request.cells, dataset.n_cells)
    chosen = np.zeros(dataset.n_cells, np.bool_)
    chosen[cells] = True
    nets = bundle.net_for_cells(dataset, cells, request.nets)
    if request.direction == "learned":
        code = action_code(model, request.action)
        return Asked(dataset, bundle, cells, nets, chosen, request, params, None, None, None, code)
    places = gene_places(model, request.genes, dataset)
    levels = Levels(dataset, model, params.percentile)
    change = levels.change(places, request.direction, params.keep)
    return Asked(dataset, bundle, cells, nets, chosen, request, params, places, levels, change, -1)
