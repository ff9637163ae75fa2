"""Settings of models trained by scvi-tools, at its own defaults."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from glasscell.models import training_field
from glasscell.models.info import FamilyParams


class TrainerParams(FamilyParams):
    """What all of them share."""

    n_latent: int = Field(10, ge=1, le=200, title="Latents", description="Numbers each cell is summed up in.")
    n_hidden: int = Field(128, ge=2, le=2048, title="Hidden units", description="Width of each hidden layer.")
    n_layers: int = Field(
        1, ge=1, le=4, title="Hidden layers", description="Of the encoder and of the decoder."
    )
    dropout_rate: float = Field(
        0.1, ge=0, le=0.95, title="Dropout", description="Share of hidden units dropped in the encoder."
    )
    learning_rate: float = Field(
        1e-3, ge=1e-6, le=1.0, title="Learning rate", description="Step size of Adam."
    )
    batch_size: int = Field(128, ge=8, le=65536, title="Batch size", description="Cells per step.")
    max_epochs: int = training_field.max_epochs(200)
    patience: int = Field(
        15, ge=1, le=1000, title="Patience", description="Stop after so many epochs without a better loss."
    )


class CountParams(TrainerParams):
    """Of those that learn from counts."""

    gene_likelihood: Literal["zinb", "nb", "poisson"] = Field(
        "nb", title="Likelihood", description="Distribution of counts: zinb adds a chance of extra zeros."
    )


class ScviParams(CountParams):
    """Of SCVI, SCANVI and LinearSCVI."""

    label_epochs: int = Field(
        20, ge=1, le=10000, title="Label epochs", description="Of SCANVI only: passes that learn the labels."
    )


class TotalviParams(CountParams):
    """Of TOTALVI."""

    n_latent: int = Field(20, ge=1, le=200, title="Latents", description="Numbers each cell is summed up in.")
    n_hidden: int = Field(256, ge=2, le=2048, title="Hidden units", description="Width of each hidden layer.")
    n_layers: int = Field(2, ge=1, le=4, title="Hidden layers", description="Of the encoder.")
    dropout_rate: float = Field(
        0.2, ge=0, le=0.95, title="Dropout", description="Share of hidden units dropped."
    )
    gene_likelihood: Literal["zinb", "nb"] = Field(
        "nb", title="Likelihood", description="Distribution of RNA counts: zinb adds a chance of extra zeros."
    )
    learning_rate: float = Field(
        4e-3, ge=1e-6, le=1.0, title="Learning rate", description="Step size of Adam."
    )
    batch_size: int = Field(256, ge=8, le=65536, title="Batch size", description="Cells per step.")


class MultiviParams(CountParams):
    """Of MULTIVI."""

    n_latent: int = Field(10, ge=1, le=200, title="Latents", description="Numbers each cell is summed up in.")
    n_layers: int = Field(
        2, ge=1, le=4, title="Hidden layers", description="Of the encoders and the decoders."
    )
    gene_likelihood: Literal["zinb", "nb", "poisson"] = Field(
        "zinb",
        title="Likelihood",
        description="Distribution of RNA counts: zinb adds a chance of extra zeros.",
    )
    learning_rate: float = training_field.learning_rate(1e-4)
    patience: int = Field(
        50, ge=1, le=1000, title="Patience", description="Stop after so many epochs without a better loss."
    )


class DrviParams(TrainerParams):
    """Of DRVI."""

    n_latent: int = Field(32, ge=1, le=200, title="Latents", description="Factors that are decoded apart.")
    split_aggregation: Literal["logsumexp", "mean"] = Field(
        "logsumexp",
        title="Factors are joined by",
        description="logsumexp adds rates, so that each gene goes by its largest factors; mean adds logs.",
    )
    gene_likelihood: Literal["pnb", "nb", "zinb", "poisson"] = Field(
        "pnb", title="Likelihood", description="Distribution of counts: pnb is nb worked out in logs."
    )
    max_epochs: int = training_field.max_epochs(400)


class NicheParams(CountParams):
    """Of SCVIVA."""

    gene_likelihood: Literal["zinb", "nb", "poisson"] = Field(
        "poisson",
        title="Likelihood",
        description="Distribution of the cell's own counts: zinb adds a chance of extra zeros.",
    )
    k: int = Field(20, ge=1, le=200, title="Neighbours", description="Nearest cells that make a niche.")
    n_components: int = Field(
        20, ge=2, le=100, title="Components", description="Of expression, in which neighbours are foretold."
    )
    spatial_weight: float = Field(
        10.0, ge=0, le=1000, title="Niche weight", description="Of the niche in the loss; 0 leaves it out."
    )


class VelocityParams(TrainerParams):
    """Of VELOVI."""

    n_hidden: int = Field(256, ge=2, le=2048, title="Hidden units", description="Width of each hidden layer.")
    learning_rate: float = training_field.learning_rate(1e-2)
    batch_size: int = Field(256, ge=8, le=65536, title="Batch size", description="Cells per step.")
    max_epochs: int = training_field.max_epochs(500)
    patience: int = Field(
        45, ge=1, le=1000, title="Patience", description="Stop after so many epochs without a better loss."
    )
