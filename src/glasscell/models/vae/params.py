"""Settings of the family ``vae``."""

from __future__ import annotations

from pydantic import Field

from glasscell.models.info import FamilyParams


class VaeParams(FamilyParams):
    """Settings of the family ``vae``."""

    n_latent: int = Field(10, ge=1, le=200, title="Latents", description="Numbers each cell is summed up in.")
    hidden: int = Field(64, ge=2, le=2048, title="Hidden units", description="Width of each hidden layer.")
    n_layers: int = Field(
        1, ge=1, le=4, title="Hidden layers", description="Of the encoder and of the decoder."
    )
    dropout: float = Field(
        0.2, ge=0, le=0.95, title="Hidden dropout", description="Share of hidden units dropped."
    )
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
    learning_rate: float = Field(
        4e-3, ge=1e-6, le=1.0, title="Learning rate", description="Step size of AdamW."
    )
    weight_decay: float = Field(
        1e-4, ge=0, le=10, title="Weight decay", description="Pull of weights towards zero."
    )
    batch_size: int = Field(
        128, ge=8, le=65536, title="Batch size", description="Cells per step; fewer when there are few cells."
    )
    max_epochs: int = Field(
        200, ge=1, le=10000, title="Most epochs", description="Passes over the cells, at most."
    )
    patience: int = Field(
        10,
        ge=1,
        le=1000,
        title="Patience",
        description="Stop after so many epochs without a better validation loss.",
    )
