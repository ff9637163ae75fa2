"""What models can do: small protocols that explanations ask for by name.

Every model is a ``Model``; the rest is optional. A published model is in evaluation mode, without gradients
on its weights, and none of its functions leaves a trace, random state included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import Tensor

    from glasscell.data.neighbour import GraphSpec
    from glasscell.models.cell_batch import CellBatch, Intervention
    from glasscell.models.info import ModelInfo
    from glasscell.models.preprocessing import Preprocessing
    from glasscell.models.target import Target


@runtime_checkable
class Model(Protocol):
    """One network that gives a number per cell."""

    @property
    def info(self) -> ModelInfo:
        """Words about the family."""
        ...

    @property
    def genes(self) -> tuple[str, ...]:
        """Input genes, in order."""
        ...

    @property
    def preprocessing(self) -> Preprocessing:
        """How counts become this model's input."""
        ...

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        ...

    @property
    def dtype(self) -> torch.dtype:
        """Number type of its weights and input."""
        ...

    @property
    def fingerprint(self) -> str:
        """Digest of everything a score depends on."""
        ...

    def targets(self) -> tuple[Target, ...]:
        """Everything that can be scored; a contrast stands once per class."""
        ...

    def score(self, batch: CellBatch, target: Target) -> Tensor:
        """Give one number per scored row, ``(n,)``, differentiable with respect to ``batch.expression``."""
        ...

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Return a copy elsewhere or in another precision; this one stays as it is."""
        ...


@runtime_checkable
class FirstLinear(Protocol):
    """A model whose score is ``rest(W x + b)`` with ``x`` its input; a row depends on itself only."""

    def inputs(self, batch: CellBatch) -> Tensor:
        """Return ``x``, ``(n, n_genes)``: the space in which attributions are made."""
        ...

    def first(self, batch: CellBatch) -> tuple[Tensor, Tensor]:
        """Return ``W`` ``(hidden, n_genes)`` and ``b`` ``(hidden,)`` or, with covariates, ``(n, hidden)``.

        Linear preprocessing and BatchNorm are folded in.
        """
        ...

    def rest(self, hidden_ch: Tensor, batch: CellBatch, target: Target) -> Tensor:
        """Finish the score from the first layer's output, ``(n, hidden) -> (n,)``.

        Row ``i`` of ``hidden_ch`` belongs to row ``i`` of ``batch``.
        """
        ...


@runtime_checkable
class Classifies(Protocol):
    """A model that sorts cells into classes."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names, in the order of the columns."""
        ...

    def logits(self, batch: CellBatch) -> Tensor:
        """Return raw scores, ``(n, n_classes)``."""
        ...

    def probabilities(self, batch: CellBatch) -> Tensor:
        """Return calibrated probabilities, ``(n, n_classes)``; rows sum to one."""
        ...


@runtime_checkable
class Encodes(Protocol):
    """A model with a latent space."""

    @property
    def n_latent(self) -> int:
        """Latent dimensions."""
        ...

    def encode(self, batch: CellBatch) -> Tensor:
        """Return each cell's latent mean, ``(n, n_latent)``."""
        ...


@runtime_checkable
class NamedLatents(Encodes, Protocol):
    """A model whose latents have a meaning, such as pathways; its targets are ``latent:NAME``."""

    @property
    def latent_names(self) -> tuple[str, ...]:
        """Names of the latents, each once, in the order of the columns of ``encode``."""
        ...


@runtime_checkable
class Decodes(Protocol):
    """A model that turns latents into expected expression."""

    def decode(self, latent_cz: Tensor, batch: CellBatch) -> Tensor:
        """Return expected expression in the unit of the model's input, ``(n, n_genes)``."""
        ...


@runtime_checkable
class UsesBatch(Protocol):
    """A model that knows the technical batch of a cell; ``make_batch`` then fills ``CellBatch.batch``."""

    @property
    def batch_column(self) -> str:
        """Obs column it was trained with; empty for none."""
        ...

    @property
    def batches(self) -> tuple[str, ...]:
        """Names of the batches, in the order of the codes."""
        ...


@runtime_checkable
class UsesAction(Protocol):
    """A model that knows what was done to a cell; ``make_batch`` then fills ``CellBatch.action``."""

    @property
    def action_column(self) -> str:
        """Obs column it was trained with."""
        ...

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of the perturbations, control included, in the order of the codes."""
        ...

    @property
    def control(self) -> str:
        """Which of them is the control."""
        ...


@runtime_checkable
class GivesActions(Protocol):
    """A model that says where cells would lie had something else been done to them."""

    def action_code(self, name: str) -> int:
        """Return the code of a perturbation; raises NotCompatible for one it has not seen, pairs included."""
        ...

    def given(self, batch: CellBatch, action: int) -> Tensor:
        """Return the latents the cells would have under another perturbation, ``(n, n_latent)``."""
        ...


@runtime_checkable
class Attends(Protocol):
    """A model that weighs tokens or neighbours."""

    @property
    def tokens(self) -> tuple[str, ...]:
        """Names of what is attended to; empty when it is neighbouring cells."""
        ...

    def attention(self, batch: CellBatch) -> Tensor:
        """Return weights ``(n, layers, heads, tokens)``, or ``(n_edges, layers, heads)`` in edge order."""
        ...


@runtime_checkable
class AttendsWithin(Attends, Protocol):
    """A model whose tokens attend to each other and stand for values it can guess from one another."""

    def summed_attention(self, batch: CellBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Return sums over rows: weights ``(layers, heads, tokens, tokens)``, those by presence, rows."""
        ...

    def guess(self, batch: CellBatch, token: int) -> Tensor:
        """Return the value of a token guessed from the others, ``(n,)``, in the unit of the input."""
        ...


@runtime_checkable
class UsesNeighbours(Protocol):
    """A model whose rows interact; ``make_batch`` gives it disjoint ego graphs with ``CellBatch.centre``.

    Its scores, latents and probabilities are of the centres only, in order.
    """

    @property
    def hops(self) -> int:
        """How far a cell sees, in edges."""
        ...

    @property
    def graph(self) -> GraphSpec:
        """How its neighbours are found in a dataset."""
        ...


@runtime_checkable
class FindsDomains(Protocol):
    """A model that divides cells into domains, numbered from 0 by size; its targets ``domain:2``."""

    @property
    def n_domains(self) -> int:
        """Count the domains."""
        ...

    def domain_logits(self, batch: CellBatch) -> Tensor:
        """Return the logit of each domain for each scored row, ``(n, n_domains)``."""
        ...

    def logits_of(self, latent_cz: Tensor) -> Tensor:
        """Return the same from latents, ``(n, n_latent) -> (n, n_domains)``."""
        ...


@runtime_checkable
class NamesDomains(FindsDomains, Protocol):
    """A model whose domains have names, and which may say that a cell is in none; targets ``domain:NAME``."""

    @property
    def domain_names(self) -> tuple[str, ...]:
        """Names, each once, in the order of the numbers."""
        ...

    def domain_codes(self, latent_cz: Tensor) -> Tensor:
        """Return the number of each cell's domain, ``(n,)`` int64, -1 for none of them."""
        ...


@runtime_checkable
class UsesModalities(Protocol):
    """A model whose inputs count several kinds of things: RNA, proteins, open chromatin."""

    @property
    def modalities(self) -> tuple[str, ...]:
        """What each input counts, in the order of ``genes``."""
        ...


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


@runtime_checkable
class Intervenes(Protocol):
    """A model whose input can be changed on purpose."""

    def apply(self, batch: CellBatch, intervention: Intervention) -> CellBatch:
        """Return the batch after the change; raises NotCompatible for one it cannot make."""
        ...
