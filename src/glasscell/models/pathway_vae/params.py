"""Settings of the family ``pathway_vae``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from glasscell.data.gene_set import SAMPLE_SETS
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
    dropout: float = Field(
        0.1, ge=0, le=0.95, title="Hidden dropout", description="Share of hidden units dropped."
    )
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
    learning_rate: float = Field(
        8e-3, ge=1e-6, le=1.0, title="Learning rate", description="Step size of AdamW."
    )
    weight_decay: float = Field(
        1e-4, ge=0, le=10, title="Weight decay", description="Pull of weights towards zero."
    )
    batch_size: int = Field(
        256, ge=8, le=65536, title="Batch size", description="Cells per step; fewer when there are few cells."
    )
    max_epochs: int = Field(
        200, ge=1, le=10000, title="Most epochs", description="Passes over the cells, at most."
    )
    patience: int = Field(
        20,
        ge=1,
        le=1000,
        title="Patience",
        description="Stop after so many epochs without a better validation loss.",
    )
