"""A trained gene transformer as explanations see it: evaluation mode, no gradients on weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from glasscell.models.gene_transformer.token import Packed, pack
from glasscell.models.pathway_transformer.model import TransformerModel, left_out
from glasscell.models.target import Target, require_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from glasscell.models.cell_batch import CellBatch
    from glasscell.models.gene_transformer.network import GeneNetwork
    from glasscell.models.pathway_transformer.network import Attention


class GeneTransformerModel(TransformerModel):
    """One published network of the family ``gene_transformer``; its tokens are genes.

    Offers Classifies, Encodes (the class token), Attends (class token to genes), Intervenes (genes set,
    tokens left out) and Structured (what stands for each gene). A token that is left out is as a gene that
    nobody measured.
    """

    network: GeneNetwork  # type: ignore[assignment]

    def __init__(self, network: GeneNetwork, *words: Any) -> None:
        super().__init__(network, *words)  # type: ignore[arg-type]

    def logits(self, batch: CellBatch) -> Tensor:
        """Return raw logits, ``(n, n_classes)``."""
        return self.network(self.inputs(batch), left_out(batch))  # type: ignore[no-any-return]

    def score(self, batch: CellBatch, target: Target) -> Tensor:
        """Score each row, ``(n,)``."""
        if target.kind == "latent":
            return super().score(batch, target)
        require_target(target, self.targets(), self.info.title)
        return self.logit_of(self.logits(batch), target)

    def parts(self) -> Mapping[str, Any]:
        """Return tokens, genes, each token's name and value, and what is read of all genes.

        ``token names`` and ``token values`` are ``(tokens, width)``, ``readout`` is ``(n_classes, n_genes)``.
        """
        tokens = self.network.tokens
        return {
            "tokens": self.tokens,
            "genes": self.genes,
            "token names": _plain(tokens.name),
            "token values": _plain(tokens.value),
            "readout": _plain(self.network.readout),
        }

    @torch.no_grad()
    def guess(self, batch: CellBatch, token: int) -> Tensor:
        """Guess the expression of a gene from the other tokens, as though it had not been measured, ``(n,)``.

        In the unit of the model's input. What is left out of the batch is left out here, too.
        """
        network, tokens, found = self.network, self.network.tokens, []
        for x_ct, packed in self._packed(batch, (token,)):
            asked = torch.full((len(x_ct), 1), token, dtype=torch.int64, device=x_ct.device)
            out = network.guess(network.run(x_ct, packed, asked)[:, 1])[:, 0]
            found.append(out * tokens.spread[token] + tokens.mean[token])
        return torch.cat(found)

    @torch.no_grad()
    def summed_attention(self, batch: CellBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Return attention between genes, summed over the cells; no cell's own table is kept.

        In the last layer only the class token asks, so it is not among the layers.

        Returns
        -------
        Weights by layer and head ``(layers - 1, heads, tokens, tokens)``, row attends to column; the weights
        that presence alone would give, and in how many cells both are, ``(tokens, tokens)``.
        """
        network, n_tokens = self.network, self.network.n_tokens
        n_layers = len(network.layers) - 1
        by_head = torch.zeros(n_layers * network.heads, n_tokens**2, dtype=torch.float64, device=self.device)
        even, both = (torch.zeros(n_tokens**2, dtype=torch.float64, device=self.device) for _ in range(2))
        for x_ct, packed in self._packed(batch):
            there = packed.presence > 0
            pair = there[:, :, None] & there[:, None, :]
            flat = (packed.place[:, :, None] * n_tokens + packed.place[:, None, :])[pair]
            share = packed.presence / (1 + packed.presence.sum(dim=1, keepdim=True))
            even.index_add_(0, flat, share[:, None, :].expand(pair.shape)[pair].double())
            both.index_add_(0, flat, torch.ones_like(flat, dtype=torch.float64))
            for layer, attention in enumerate(network.attend(x_ct, packed)[:-1]):
                for head in range(network.heads):
                    weights = attention.weights[:, head, 1:, 1:][pair]
                    by_head[layer * network.heads + head].index_add_(0, flat, weights.double())
        square = (n_tokens, n_tokens)
        return by_head.view(n_layers, network.heads, *square), even.view(square), both.view(square)

    def _packed(self, batch: CellBatch, hidden: tuple[int, ...] = ()) -> Iterator[tuple[Tensor, Packed]]:
        """Go through few cells at a time: expression of the tokens, and the tokens that are there."""
        network, x_cg = self.network, self.inputs(batch)
        for part in torch.split(x_cg, network.rows_at_a_time(network.most_there(x_cg))):
            x_ct = network.tokens.own(part)
            yield x_ct, pack(network.presence(x_ct, (*left_out(batch), *hidden)))

    def _by_block(self, batch: CellBatch, call: Callable[[tuple[Attention, ...]], Tensor]) -> Tensor:
        """Ask about the tokens that are there; the others are attended to by nobody."""
        network, found = self.network, []
        for x_ct, packed in self._packed(batch):
            values = call(network.attend(x_ct, packed))
            between = (1,) * (values.ndim - 2)
            place = packed.place.view(len(x_ct), *between, -1).expand(values.shape)
            whole = values.new_zeros((*values.shape[:-1], network.n_tokens))
            found.append(whole.scatter_add(values.ndim - 1, place, values))
        return torch.cat(found)


def _plain(tensor: Tensor) -> NDArray[Any]:
    values = tensor.detach().cpu().numpy().copy()
    values.flags.writeable = False
    return values
