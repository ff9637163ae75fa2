"""A trained ``gan`` as explanations see it: how real a cell looks, its latents, and what is generated."""

from __future__ import annotations

from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import torch

from glasscell.data.column import recode
from glasscell.models.gan.code import generated_means
from glasscell.models.target import Target, require_target
from glasscell.models.vae.model import VaeModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from glasscell.models.cell_batch import CellBatch
    from glasscell.models.family import TrainingData
    from glasscell.models.gan.network import GanNetwork
    from glasscell.models.info import ModelInfo
    from glasscell.models.preprocessing import Preprocessing
    from glasscell.models.vae.network import VaeNetwork

#: Name of the kind of a model that knows none.
ANY = "any cell"


class GanModel(VaeModel):
    """One published network of the family ``gan``: FirstLinear, Encodes, Decodes, Structured.

    Targets are latents and ``realism:KIND``, the critic's value of a cell as one of that kind. Its size
    enters the value; attributions are to genes at the cell's own size.

    Parameters
    ----------
    label_column, kinds
        Obs column that says what kind each cell is, and its values in the order of the codes; empty for none.
    """

    def __init__(
        self,
        network: GanNetwork,
        info: ModelInfo,
        genes: tuple[str, ...],
        preprocessing: Preprocessing,
        label_column: str = "",
        kinds: tuple[str, ...] = (),
    ) -> None:
        super().__init__(cast("VaeNetwork", network), info, genes, preprocessing)
        self.label_column, self.kinds = label_column, kinds

    @property
    def whole(self) -> GanNetwork:
        """The network."""
        return cast("GanNetwork", self.network)

    def description(self) -> Mapping[str, Any]:
        """Return what rebuilds the model beside weights, genes and settings."""
        return {
            "preprocessing": self.preprocessing.to_json(),
            "label_column": self.label_column,
            "kinds": list(self.kinds),
        }

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Return a copy elsewhere or in another precision."""
        moved = super().to(device=device, dtype=dtype)
        return type(self)(
            moved.whole, self.info, self.genes, self.preprocessing, self.label_column, self.kinds
        )

    def score(self, batch: CellBatch, target: Target) -> Tensor:
        """Return a latent's mean or the critic's value, ``(n,)``."""
        require_target(target, self._known_targets, self.info.title)
        return self._of(self.encode(batch), batch, target)

    def rest(self, hidden_ch: Tensor, batch: CellBatch, target: Target) -> Tensor:
        """Finish the score asked for from the first layer's output."""
        require_target(target, self._known_targets, self.info.title)
        return self._of(self.network.encoder.latent(hidden_ch), batch, target)

    def realism(self, batch: CellBatch, kind_c: Tensor) -> Tensor:
        """Return the critic's value of each cell as one of its own kind, ``(n,)``; unknown kinds are mixed.

        Parameters
        ----------
        kind_c
            Codes of kinds, ``(n,)`` int64, -1 for none.
        """
        return self._value(self.encode(batch), batch, kind_c)

    def kinds_of(self, data: TrainingData) -> NDArray[np.int64]:
        """Return the code of each cell's kind in training data, ``(n,)``, -1 for none this model knows."""
        return recode(data.codes, data.classes, self.kinds).astype(np.int64)

    def parts(self) -> Mapping[str, Any]:
        """Return means of generated cells of each kind and how frequent kinds are, read-only, by name."""
        return self._parts

    @cached_property
    def _parts(self) -> Mapping[str, Any]:
        found = {
            "generated means": generated_means(self.whole, self.preprocessing.target_sum or 1.0),
            "kind share": self.whole.kind_share.cpu().double().numpy().copy(),
            "dispersion": self.network.log_dispersion.exp().detach().cpu().numpy().copy(),
        }
        for array in found.values():
            array.setflags(write=False)
        return MappingProxyType(found)

    def _value(self, latent_cz: Tensor, batch: CellBatch, kind_c: Tensor) -> Tensor:
        value_c: Tensor = self.whole.adversary.critic(
            self.whole.code(latent_cz, batch.size), self.whole.kinds(kind_c, latent_cz)
        )
        return value_c

    def _of(self, latent_cz: Tensor, batch: CellBatch, target: Target) -> Tensor:
        if target.kind == "latent":
            return latent_cz[:, int(target.name)]
        code = self.kinds.index(target.name) if self.kinds else -1
        kind_c = torch.full((len(latent_cz),), code, device=latent_cz.device)
        return self._value(latent_cz, batch, kind_c)

    @cached_property
    def _known_targets(self) -> tuple[Target, ...]:
        kinds = (Target("realism", name) for name in self.kinds or (ANY,))
        return (*kinds, *(Target("latent", str(number)) for number in range(self.n_latent)))
