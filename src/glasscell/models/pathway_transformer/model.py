"""A trained transformer as explanations see it: evaluation mode, no gradients on weights, never changed."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor

from glasscell.errors import NotCompatible
from glasscell.models.cell_batch import CellBatch, Intervention
from glasscell.models.published import ClassNet
from glasscell.models.target import Target, require_target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from glasscell.models.info import ModelInfo
    from glasscell.models.pathway_transformer.network import Attention, TransformerNetwork
    from glasscell.models.preprocessing import Preprocessing


@dataclass(frozen=True, eq=False)
class TokenBatch(CellBatch):
    """Cells of which some tokens are left out.

    Parameters
    ----------
    dropped
        Places in the model's ``tokens``.
    """

    dropped: tuple[int, ...] = ()


class TransformerModel(ClassNet):
    """One published network of the family ``pathway_transformer``.

    Offers Classifies, Encodes (the class token), Attends (class token to gene sets), Intervenes (genes set,
    tokens left out) and Structured (the sets).

    Parameters
    ----------
    network
        Trained; a copy is kept.
    info
        Words about the family.
    genes, classes, tokens
        Names of inputs, outputs and tokens; the last token sees all genes.
    preprocessing
        How counts become its input.
    temperature
        Logits are divided by it before they become probabilities; scores are raw logits.
    unknown_below
        Least probability of a class that is believed.
    """

    network: TransformerNetwork

    def __init__(
        self,
        network: TransformerNetwork,
        info: ModelInfo,
        genes: tuple[str, ...],
        classes: tuple[str, ...],
        tokens: tuple[str, ...],
        preprocessing: Preprocessing,
        temperature: float = 1.0,
        unknown_below: float = 0.0,
    ) -> None:
        super().__init__(network, info, genes, classes, preprocessing, temperature)
        self._tokens, self.unknown_below = tokens, unknown_below

    @property
    def tokens(self) -> tuple[str, ...]:
        """Gene sets, and last the token that sees all genes."""
        return self._tokens

    @property
    def n_latent(self) -> int:
        """Width of the class token."""
        return self.network.norm.weight.numel()

    def description(self) -> Mapping[str, Any]:
        """Return what rebuilds the model beside weights, genes, classes and settings."""
        return {
            **super().description(),
            "tokens": list(self.tokens),
        }

    def targets(self) -> tuple[Target, ...]:
        """Classes, contrasts of each class with the mean of the others, and the class token's numbers."""
        return self._known_targets

    @cached_property
    def _known_targets(self) -> tuple[Target, ...]:
        return self.class_targets() + tuple(Target("latent", str(unit)) for unit in range(self.n_latent))

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Return a copy elsewhere or in another precision."""
        network = deepcopy(self.network).to(device=device, dtype=dtype)
        return type(self)(
            network,
            self.info,
            self.genes,
            self.classes,
            self.tokens,
            self.preprocessing,
            self.temperature,
            self.unknown_below,
        )

    def score(self, batch: CellBatch, target: Target) -> Tensor:
        """Score each row, ``(n,)``."""
        require_target(target, self._known_targets, self.info.title)
        latent_cz = self.encode(batch)
        if target.kind == "latent":
            return latent_cz[:, int(target.name)]
        logits_ck: Tensor = self.network.head(latent_cz)
        return self.logit_of(logits_ck, target)

    def encode(self, batch: CellBatch) -> Tensor:
        """Return the class token after the last layer, ``(n, n_latent)``."""
        return self.network.latent(self.inputs(batch), left_out(batch))

    def logits(self, batch: CellBatch) -> Tensor:
        """Return raw logits, ``(n, n_classes)``."""
        logits_ck: Tensor = self.network.head(self.encode(batch))
        return logits_ck

    def predict(self, batch: CellBatch) -> Tensor:
        """Return the likeliest class of each row, -1 where its probability is below ``unknown_below``."""
        best_c, class_c = self.probabilities(batch).max(dim=1)
        return torch.where(best_c < self.unknown_below, -1, class_c)

    def attention(self, batch: CellBatch) -> Tensor:
        """Return how much of the class token's attention each token gets, ``(n, layers, heads, tokens)``.

        What is missing to one is what the class token keeps for itself. Attention is not importance: a
        token's removal tells what it does.
        """
        return self._by_block(
            batch, lambda layers: torch.stack([one.weights[:, :, 0, 1:] for one in layers], dim=1)
        )

    def class_rollout(self, batch: CellBatch) -> Tensor:
        """Return the class token's attention through all layers, ``(n, tokens)``.

        Heads are averaged, half of every place stays where it is, and layers are multiplied.

        References
        ----------
        Abnar and Zuidema 2020, arXiv:2005.00928, section 3.
        """
        return self._by_block(batch, _rollout)

    def norm_weighted(self, batch: CellBatch) -> Tensor:
        """Return attention times the length of what it carries, ``(n, layers, heads, tokens)``.

        References
        ----------
        Kobayashi et al. 2020, arXiv:2004.10102, equation 5, by head.
        """
        return self._by_block(
            batch,
            lambda layers: torch.stack(
                [one.weights[:, :, 0, 1:] * one.carried[:, :, 1:] for one in layers], dim=1
            ),
        )

    def apply(self, batch: CellBatch, intervention: Intervention) -> CellBatch:
        """Return the cells with genes set or tokens left out; raises NotCompatible for anything else."""
        asked = Intervention(
            genes=intervention.genes,
            renormalise=intervention.renormalise and not intervention.genes,
            drop_tokens=intervention.drop_tokens,
        )
        if intervention != asked:
            raise NotCompatible(
                f"{self.info.title} can only have genes set or tokens left out: change the request."
            )
        changed = replace(
            batch, expression=_with_genes(batch.expression, self.genes, intervention.genes or {})
        )
        if intervention.drop_tokens is None:
            return changed
        beyond = [token for token in intervention.drop_tokens if not 0 <= token < len(self.tokens)]
        if beyond:
            raise NotCompatible(f"There is no token {beyond[0]}; they are 0 to {len(self.tokens) - 1}.")
        values = {name: getattr(changed, name) for name in CellBatch.__dataclass_fields__}
        dropped = {*left_out(batch), *(int(token) for token in intervention.drop_tokens)}
        return TokenBatch(**values, dropped=tuple(sorted(dropped)))

    def parts(self) -> Mapping[str, Any]:
        """Return ``tokens``, ``genes`` and ``sets``: the genes of each set, ``(tokens - 1, n_genes)``."""
        embedding = self.network.embedding
        sets = torch.zeros(len(self.tokens) - 1, len(self.genes), dtype=torch.bool)
        rows, columns = embedding.member.cpu().nonzero(as_tuple=True)
        sets[rows, embedding.index.cpu()[rows, columns]] = True
        mask_tg = sets.numpy()
        mask_tg.flags.writeable = False
        return {"tokens": self.tokens, "genes": self.genes, "sets": mask_tg}

    def _by_block(self, batch: CellBatch, call: Callable[[tuple[Attention, ...]], Tensor]) -> Tensor:
        parts = torch.split(self.inputs(batch), self.network.rows_at_a_time())
        return torch.cat([call(self.network.attend(part, left_out(batch))) for part in parts])


def _with_genes(expression_cg: Tensor, genes: tuple[str, ...], values: Mapping[str, float]) -> Tensor:
    places = {gene: number for number, gene in enumerate(genes)}
    unknown = [gene for gene in values if gene not in places]
    if unknown:
        raise NotCompatible(f"{unknown[0]!r} is no gene of this model: choose one it was trained with.")
    if not values:
        return expression_cg
    changed = expression_cg.clone()
    for gene, value in values.items():
        changed[:, places[gene]] = value
    return changed


def left_out(batch: CellBatch) -> tuple[int, ...]:
    """Return the places of the tokens that are left out of a batch."""
    return batch.dropped if isinstance(batch, TokenBatch) else ()


def _rollout(layers: tuple[Attention, ...]) -> Tensor:
    """Multiply the layers from the class token's side, so that a row is carried and never a table."""
    row = layers[-1].weights[:, :, 0].mean(dim=1)
    row = _with_own(row[:, None], 0)[:, 0]
    for layer in layers[-2::-1]:
        mean = layer.weights.mean(dim=1)
        row = (row[:, None] @ _with_own(mean, None))[:, 0]
    return row[:, 1:]


def _with_own(weights: Tensor, only: int | None) -> Tensor:
    """Add the identity (or one of its rows) and make rows sum to one again."""
    own = torch.eye(weights.shape[-1], dtype=weights.dtype, device=weights.device)
    mixed = weights + (own if only is None else own[only])
    return mixed / mixed.sum(dim=-1, keepdim=True)
