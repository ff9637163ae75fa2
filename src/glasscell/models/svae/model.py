"""A trained ``svae`` or ``ivae`` as explanations see it: latents, and what each perturbation does to them."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self, cast

import torch

from glasscell.errors import NotCompatible
from glasscell.jobs import QUIET
from glasscell.models.vae.model import VaeModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from glasscell.data.dataset import Dataset
    from glasscell.jobs import JobHandle
    from glasscell.models.cell_batch import CellBatch, Intervention
    from glasscell.models.info import ModelInfo
    from glasscell.models.preprocessing import Preprocessing
    from glasscell.models.svae.network import ShiftNetwork


class ShiftModel(VaeModel):
    """One published network: all of ``VaeModel``, its actions, Structured and Intervenes.

    Parameters
    ----------
    action_column, actions, control
        Obs column of the perturbations, their names in the order of the codes, and which is the control.
    """

    network: ShiftNetwork

    def __init__(
        self,
        network: ShiftNetwork,
        info: ModelInfo,
        genes: tuple[str, ...],
        preprocessing: Preprocessing,
        batch_column: str = "",
        batches: tuple[str, ...] = (),
        *,
        action_column: str,
        actions: tuple[str, ...],
        control: str,
    ) -> None:
        super().__init__(network, info, genes, preprocessing, batch_column, batches)
        self._action_column, self._actions, self._control = action_column, actions, control

    @property
    def action_column(self) -> str:
        """Obs column of the perturbations."""
        return self._action_column

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of the perturbations, control included, in the order of the codes."""
        return self._actions

    @property
    def control(self) -> str:
        """Which of them is the control; its shift is zero."""
        return self._control

    def learn_action(
        self, dataset: Dataset, indices: NDArray[np.integer[Any]], name: str, job: JobHandle = QUIET
    ) -> Self:
        """Return a model that also knows a perturbation these cells got; see ``fit_action``."""
        from glasscell.models.svae.new_action import fit_action

        return cast("Self", fit_action(self, dataset, indices, name, job=job))

    def description(self) -> Mapping[str, Any]:
        """Return what rebuilds the model beside weights, genes and settings."""
        return {
            **super().description(),
            "action_column": self.action_column,
            "actions": list(self.actions),
            "control": self.control,
            "n_trained": self.network.n_trained,
        }

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Return a copy elsewhere or in another precision."""
        from copy import deepcopy

        return self.with_network(deepcopy(self.network).to(device=device, dtype=dtype))

    def with_network(self, network: ShiftNetwork, actions: tuple[str, ...] = ()) -> Self:
        """Return the same model with another network, and other actions where they are given."""
        return type(self)(
            network,
            self.info,
            self.genes,
            self.preprocessing,
            self.batch_column,
            self.batches,
            action_column=self.action_column,
            actions=actions or self.actions,
            control=self.control,
        )

    @torch.no_grad()
    def parts(self) -> Mapping[str, Any]:
        """Return what is inside, by name.

        Returns
        -------
        ``gates``, 0 or 1 (or 1 throughout where every action may shift every latent), ``shifts`` where a
        gate is open, and ``effects``, their product in latent units, each ``(n_actions, n_latent)`` float32
        and read-only; and ``actions``, their names in the order of the rows. Of an action learnt after the
        training a gate is how likely the latent is among its targets, and the effect is the whole shift.
        """
        network = self.network
        found: dict[str, Any] = {"actions": self.actions}
        for name, values in (
            ("gates", network.gates()),
            ("shifts", network.shifts()),
            ("effects", network.effects()),
        ):
            array = values.detach().float().cpu().numpy().copy()
            array.flags.writeable = False
            found[name] = array
        return MappingProxyType(found)

    def action_code(self, name: str) -> int:
        """Return the code of a perturbation.

        Raises
        ------
        NotCompatible
            The model has not seen it. A pair is not made of its parts: shifts of pairs are learnt on their
            own, and sums of single shifts do not foretell them.
        """
        if name in self.actions:
            return self.actions.index(name)
        parts = [part.strip() for part in name.replace("_", "+").split("+")]
        if len(parts) > 1 and all(part in self.actions for part in parts):
            raise NotCompatible(
                f"The model has not seen {name} together, and the shifts of {' and '.join(parts)} cannot be "
                "added up to it: fit it on cells that got both."
            )
        raise NotCompatible(
            f"The model has not seen the perturbation {name!r}: choose one it knows "
            f"({', '.join(self.actions[:4])}, ...), or let it learn from cells that got it."
        )

    def given(self, batch: CellBatch, action: int) -> Tensor:
        """Return the latents the cells would have had under another perturbation, ``(n, n_latent)``.

        A cell's own shift is taken off and the other's put on; a cell of no known action counts as control.

        Raises
        ------
        NotCompatible
            There is no such code.
        """
        self._require(action)
        effects_az = self.network.effects()
        latent_cz = self.encode(batch) + effects_az[action]
        own_c = batch.action
        if own_c is None:
            return latent_cz
        if batch.centre is not None:
            own_c = own_c[batch.centre]
        own_cz = effects_az[own_c.clamp(min=0)]
        return latent_cz - torch.where((own_c >= 0)[:, None], own_cz, torch.zeros_like(own_cz))

    def apply(self, batch: CellBatch, intervention: Intervention) -> CellBatch:
        """Return the cells as the decoder would have them under ``intervention.action``.

        Their expression is decoded, not measured. Cells that already have the action stay as measured.

        Raises
        ------
        NotCompatible
            Something else than the action is to be changed.
        """
        action = intervention.action
        if action is None or replace(intervention, action=None) != type(intervention)():
            raise NotCompatible(f"{self.info.title} gives cells a perturbation it knows, and that only.")
        expression_cg = self.decode(self.given(batch, action), batch)
        if batch.action is not None:
            same = (batch.action == action)[:, None]
            expression_cg = torch.where(same, batch.expression, expression_cg)
        return replace(
            batch,
            expression=expression_cg.to(batch.expression.dtype),
            action=torch.full_like(batch.indices, action),
        )

    def _require(self, action: int) -> None:
        if not 0 <= action < len(self.actions):
            raise NotCompatible(
                f"There is no action number {action}: the model knows {len(self.actions)}, from 0."
            )
