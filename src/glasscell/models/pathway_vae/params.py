"""Settings of the family ``pathway_vae``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from glasscell.data.gene_set import SAMPLE_SETS
from glasscell.models import training_field
from glasscell.models.info import FamilyParams


class PathwayParams(FamilyParams):
    """Settings of the family ``pathway_vae``."""

    gene_sets: str = Field(
        SAMPLE_SETS,
        title="Gene sets",
        description="A GMT file (MSigDB, Reactome, your own); the default fits the sample tissue.",
        json_schema_extra={"path": "Gene sets (*.gmt)"},
    )
    min_genes: int = Field(
        8, ge=1, le=10000, title="Fewest genes", description="Sets with fewer measured genes are left out."
    )
    max_genes: int = Field(
        300, ge=1, le=100000, title="Most genes", description="Sets with more measured genes are left out."
    )
    mask: Literal["hard", "soft"] = Field(
        "hard",
        title="Membership",
        description="hard: a set moves its own genes only; soft: others too, where the data insist.",
    )
    group_lasso: float = Field(
        0.8,
        ge=0,
        le=10,
        title="Pruning",
        description="How strongly sets that nothing needs are pruned (group lasso); 0 keeps all.",
    )
    signed: bool = Field(
        False,
        title="Signed weights",
        description="Off: a set at work turns its genes up only, and more of its latent means more of it.",
    )
    n_free: int = Field(
        2,
        ge=1,
        le=50,
        title="Free latents",
        description="Latents that reach every gene and take up what no set explains; without one, sets do.",
    )
    soft_strength: float = Field(
        0.5,
        ge=0,
        le=10,
        title="Pull on outsiders",
        description="Of a soft membership: how strongly genes outside a set are pulled to zero.",
        json_schema_extra={"advanced": True},
    )
    hidden: int = Field(128, ge=2, le=2048, title="Hidden units", description="Width of the encoder.")
    n_layers: int = Field(1, ge=1, le=4, title="Hidden layers", description="Of the encoder.")
    dropout: float = training_field.dropout(0.1)
    input_dropout: float = Field(
        0.3,
        ge=0,
        le=0.95,
        title="Gene dropout",
        description="Share of genes hidden from the encoder at each step.",
    )
    kl_weight: float = Field(
        0.5, ge=0, le=100, title="Prior weight", description="Pull of latents towards the prior."
    )
    warm_up: int = Field(
        20, ge=0, le=10000, title="Warm-up", description="Epochs over which that pull is raised from zero."
    )
    learning_rate: float = training_field.learning_rate(8e-3)
    weight_decay: float = training_field.weight_decay(1e-4)
    batch_size: int = training_field.batch_size(256)
    max_epochs: int = training_field.max_epochs(200)
    patience: int = training_field.patience(20)
