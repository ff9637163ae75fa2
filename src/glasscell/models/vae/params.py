"""Settings of the family ``vae``."""

from __future__ import annotations

from pydantic import Field

from glasscell.models import training_field
from glasscell.models.info import FamilyParams


class VaeParams(FamilyParams):
    """Settings of the family ``vae``."""

    n_latent: int = Field(10, ge=1, le=200, title="Latents", description="Numbers each cell is summed up in.")
    hidden: int = Field(64, ge=2, le=2048, title="Hidden units", description="Width of each hidden layer.")
    n_layers: int = Field(
        1, ge=1, le=4, title="Hidden layers", description="Of the encoder and of the decoder."
    )
    dropout: float = training_field.dropout(0.2)
    input_dropout: float = Field(
        0.3,
        ge=0,
        le=0.95,
        title="Gene dropout",
        description="Share of genes hidden from the encoder at each step.",
    )
    encode_batch: bool = Field(
        True,
        title="Tell the encoder the batch",
        description="Takes more of the batch out; off: the decoder alone knows it.",
    )
    kl_weight: float = Field(
        1.0, ge=0, le=100, title="Prior weight", description="Pull of latents towards the prior."
    )
    warm_up: int = Field(
        20, ge=0, le=10000, title="Warm-up", description="Epochs over which that pull is raised from zero."
    )
    learning_rate: float = training_field.learning_rate(4e-3)
    weight_decay: float = training_field.weight_decay(1e-4)
    batch_size: int = training_field.batch_size(128)
    max_epochs: int = training_field.max_epochs(200)
    patience: int = training_field.patience(10)
