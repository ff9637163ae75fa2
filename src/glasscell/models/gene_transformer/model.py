"""A trained gene transformer as explanations see it: evaluation mode, no gradients on weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from glasscell.models.gene_transformer.network import GeneNetwork, pack
from glasscell.models.pathway_transformer.model import TransformerModel, left_out

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from glasscell.models.pathway_transformer.network import Attention
    from glasscell.models.protocol import CellBatch


class GeneTransformerModel(TransformerModel):
    """One published network of the family ``gene_transformer``; its tokens are genes.

    Offers Classifies, Encodes (the class token), Attends (class token to genes), Intervenes (genes set,
    tokens left out) and Structured (what stands for each gene). A token that is left out is as a gene that
    nobody measured.
    """

    network: GeneNetwork  # type: ignore[assignment]

    def __init__(self, network: GeneNetwork, *words: Any) -> None:
        super().__init__(network, *words)  # type: ignore[arg-type]

    def parts(self) -> Mapping[str, Any]:
        """Return ``tokens``, ``genes``, and each token's name and value, ``(tokens, width)`` each."""
        tokens = self.network.tokens
        return {
            "tokens": self.tokens,
            "genes": self.genes,
            "token names": _plain(tokens.name),
            "token values": _plain(tokens.value),
        }

    @torch.no_grad()
    def guess(self, batch: CellBatch, token: int) -> Tensor:
        """Guess the expression of a gene from the other tokens, as though it had not been measured, ``(n,)``.

        In the unit of the model's input. What is left out of the batch is left out here, too.
        """
        parts = torch.split(self.inputs(batch), self.network.rows_at_a_time)
        dropped = (*left_out(batch), token)
        return torch.cat([self._guess(part, token, dropped) for part in parts])

    def _guess(self, x_cg: Tensor, token: int, dropped: tuple[int, ...]) -> Tensor:
        network, tokens = self.network, self.network.tokens
        x_ct = tokens.own(x_cg)
        asked = torch.full((len(x_ct), 1), token, dtype=torch.int64, device=x_ct.device)
        out = network.run(x_ct, pack(network.presence(x_ct, dropped)), asked)
        found: Tensor = network.guess(out[:, 1])[:, 0] * tokens.spread[token] + tokens.mean[token]
        return found

    def _by_block(self, batch: CellBatch, call: Callable[[tuple[Attention, ...]], Tensor]) -> Tensor:
        """Ask few cells at a time about the tokens that are there; the others are attended to by nobody."""
        network, found = self.network, []
        for part in torch.split(self.inputs(batch), network.rows_at_a_time):
            x_ct = network.tokens.own(part)
            packed = pack(network.presence(x_ct, left_out(batch)))
            values = call(network.attend(x_ct, packed))
            between = (1,) * (values.ndim - 2)
            place = packed.place.view(len(part), *between, -1).expand(values.shape)
            whole = values.new_zeros((*values.shape[:-1], network.n_tokens))
            found.append(whole.scatter_add(values.ndim - 1, place, values))
        return torch.cat(found)


def _plain(tensor: Tensor) -> NDArray[Any]:
    values = tensor.detach().cpu().numpy().copy()
    values.flags.writeable = False
    return values
