"""Settings of the family ``gan``."""

from __future__ import annotations

from pydantic import Field

from glasscell.models import training_field
from glasscell.models.info import FamilyParams


class GanParams(FamilyParams):
    """Settings of the family ``gan``: of the autoencoder first, then of generator and critic."""

    n_latent: int = Field(
        16,
        ge=1,
        le=200,
        title="Latents",
        description="Components that cells are summed up in and generated as.",
    )
    hidden: int = Field(
        32, ge=2, le=2048, title="Hidden units", description="Of the decoder: how far it may bend."
    )
    input_dropout: float = Field(
        0.5,
        ge=0,
        le=0.95,
        title="Gene dropout",
        description="Share of genes hidden at each step, so that counts are decoded from other genes too.",
    )
    loading_prior: float = Field(
        10.0,
        ge=0,
        le=1e6,
        title="Loading prior",
        description="Pull of each gene's loadings to zero; genes with few counts follow it most.",
    )
    kl_weight: float = Field(
        1.0, ge=0, le=100, title="Prior weight", description="Pull of codes towards a normal."
    )
    warm_up: int = Field(
        10, ge=0, le=10000, title="Warm-up", description="Epochs over which that pull is raised from zero."
    )
    max_epochs: int = Field(
        20, ge=1, le=10000, title="Epochs", description="Passes of the autoencoder over the cells."
    )
    noise: int = Field(
        32, ge=1, le=1024, title="Noise", description="Random numbers each generated cell starts from."
    )
    gan_hidden: int = Field(
        128, ge=2, le=2048, title="Generator units", description="Width of generator and critic."
    )
    critic_steps: int = Field(
        5, ge=1, le=50, title="Critic steps", description="Steps of the critic for one of the generator."
    )
    penalty: float = Field(
        3.0,
        ge=0,
        le=1000,
        title="Gradient penalty",
        description="Weight (lambda) of the pull of the critic's slope towards one.",
    )
    gan_epochs: int = Field(
        150,
        ge=1,
        le=100000,
        title="Most generator epochs",
        description="Passes of generator and critic, at most.",
    )
    gan_patience: int = Field(
        80,
        ge=1,
        le=10000,
        title="Generator patience",
        description="Stop after so many passes without generated codes nearer to those of cells set aside.",
    )
    gan_rate: float = Field(
        1e-3,
        ge=1e-6,
        le=1.0,
        title="Generator rate",
        description="Step size of generator and critic.",
    )
    average_steps: int = Field(
        300,
        ge=1,
        le=10000,
        title="Averaged steps",
        description="Steps that the generator and critic kept are the mean of, about; 1: the last alone.",
        json_schema_extra={"advanced": True},
    )
    learning_rate: float = Field(
        1e-2, ge=1e-6, le=1.0, title="Learning rate", description="Step size of the autoencoder."
    )
    weight_decay: float = training_field.weight_decay(1e-4)
    batch_size: int = training_field.batch_size(128)

    @property
    def patience(self) -> int:
        """The autoencoder is trained for all its epochs: its loadings' prior keeps it from single cells."""
        return self.max_epochs
