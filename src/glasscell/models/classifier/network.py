"""The network of the family ``classifier``: standardised genes, ReLU layers, one logit per class."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from glasscell.models.layer import Dropout, Standardise, fold_batch_norm


class ClassifierNetwork(nn.Module):
    """Standardise, first linear layer (plus covariates), then blocks of BatchNorm, ReLU, dropout and linear.

    Parameters
    ----------
    n_genes, n_classes
        Sizes of input and output.
    hidden
        Width of each hidden layer.
    n_layers
        Hidden layers.
    n_covariates
        Numbers per cell beside the genes; they reach the first hidden layer only.
    batch_norm
        Whether each hidden layer is normalised before its ReLU.
    input_dropout, dropout
        Share of genes and of hidden units dropped in training.
    """

    def __init__(
        self,
        n_genes: int,
        n_classes: int,
        *,
        hidden: int,
        n_layers: int = 1,
        n_covariates: int = 0,
        batch_norm: bool = True,
        input_dropout: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.standardise = Standardise(n_genes)
        self.covariate_standardise = Standardise(n_covariates) if n_covariates else None
        self.input_dropout = Dropout(input_dropout)
        self.first = nn.Linear(n_genes, hidden)
        self.covariates = nn.Linear(n_covariates, hidden, bias=False) if n_covariates else None
        self.first_norm = nn.BatchNorm1d(hidden) if batch_norm else None
        layers: list[nn.Module] = []
        for _ in range(n_layers - 1):
            layers += [nn.ReLU(), Dropout(dropout), nn.Linear(hidden, hidden)]
            layers += [nn.BatchNorm1d(hidden)] if batch_norm else []
        self.body = nn.Sequential(*layers, nn.ReLU())
        self.head = nn.Sequential(Dropout(dropout), nn.Linear(hidden, n_classes))

    def forward(self, x_cg: Tensor, covariates_ck: Tensor | None = None) -> Tensor:
        """Return logits, ``(n, n_classes)``."""
        logits: Tensor = self.head(self.latent(self.first_output(x_cg, covariates_ck)))
        return logits

    def first_output(self, x_cg: Tensor, covariates_ck: Tensor | None) -> Tensor:
        """Return what the first ReLU receives, ``(n, hidden)``, as it is computed in training.

        A dropped gene stands at its mean: the network learns to do without it, not to read its absence.
        """
        weight_hg = self.first.weight / self.standardise.scale
        centred_cg = self.input_dropout(x_cg - self.standardise.mean)
        hidden_ch = functional.linear(centred_cg, weight_hg, self.first.bias)
        shift = self._shift(covariates_ck)
        hidden_ch = hidden_ch if shift is None else hidden_ch + shift
        return hidden_ch if self.first_norm is None else self.first_norm(hidden_ch)

    def _shift(self, covariates_ck: Tensor | None) -> Tensor | None:
        if self.covariates is None or self.covariate_standardise is None or covariates_ck is None:
            return None
        shift_ch: Tensor = self.covariates(self.covariate_standardise(covariates_ck))
        return shift_ch

    def latent(self, hidden_ch: Tensor) -> Tensor:
        """Return the last hidden layer after its ReLU, ``(n, hidden)``."""
        latent_cz: Tensor = self.body(hidden_ch)
        return latent_cz

    def folded(self, covariates_ck: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return ``W`` and ``b`` with ``W x + b == first_output(x)`` in evaluation mode.

        ``b`` is ``(hidden,)``, or ``(n, hidden)`` where there are covariates.
        """
        weight_hg, bias = self.standardise.into(self.first)
        shift = self._shift(covariates_ck)
        bias = bias if shift is None else bias + shift
        if self.first_norm is None:
            return weight_hg, bias
        return fold_batch_norm(weight_hg, bias, self.first_norm)


def class_weights(codes: Tensor, n_classes: int, power: float) -> Tensor:
    """Weight classes by ``(n / (n_classes * count)) ** power``; absent classes get 0."""
    count_k = torch.bincount(codes, minlength=n_classes).to(torch.float32)
    present = count_k > 0
    weight_k = (count_k.sum() / (present.sum() * count_k.clamp(min=1))) ** power
    return torch.where(present, weight_k, torch.zeros_like(weight_k))
