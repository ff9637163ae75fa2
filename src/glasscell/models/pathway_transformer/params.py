"""Settings of the family ``pathway_transformer``."""

from __future__ import annotations

from pydantic import Field, model_validator

from glasscell.data.gene_set import SAMPLE_SETS
from glasscell.models import training_field
from glasscell.models.info import FamilyParams


class TransformerParams(FamilyParams):
    """Settings of the family ``pathway_transformer``."""

    gene_sets: str = Field(
        SAMPLE_SETS,
        title="Gene sets",
        description="A .gmt file, for example from MSigDB: each of its sets becomes a token.",
        json_schema_extra={"path": "Gene sets (*.gmt)"},
    )
    min_genes: int = Field(
        5,
        ge=1,
        le=1000,
        title="Fewest genes",
        description="Sets with fewer measured genes are left out.",
        json_schema_extra={"advanced": True},
    )
    max_genes: int = Field(
        300, ge=2, le=5000, title="Most genes", description="Sets with more measured genes are left out."
    )
    max_tokens: int = Field(
        100, ge=2, le=1000, title="Most sets", description="The largest sets are kept; training time follows."
    )
    width: int = Field(
        32,
        ge=4,
        le=512,
        title="Width",
        description="Numbers per token; a multiple of the heads.",
        json_schema_extra={"advanced": True},
    )
    heads: int = Field(4, ge=1, le=16, title="Heads", description="Ways of attending in each layer.")
    depth: int = Field(2, ge=1, le=6, title="Layers", description="Layers of attention.")
    input_dropout: float = Field(
        0.3,
        ge=0,
        le=0.95,
        title="Gene dropout",
        description="Share of genes hidden at each step.",
        json_schema_extra={"advanced": True},
    )
    token_dropout: float = Field(
        0.2,
        ge=0,
        le=0.95,
        title="Set dropout",
        description="Share of sets left out at each step, so that removing one later is no surprise.",
    )
    free_dropout: float = Field(
        0.5,
        ge=0,
        le=0.95,
        title="Free token dropout",
        description="Share of steps without the token that sees all genes, so that sets learn to do without.",
    )
    dropout: float = Field(
        0.2,
        ge=0,
        le=0.95,
        title="Hidden dropout",
        description="Share of hidden values dropped.",
        json_schema_extra={"advanced": True},
    )
    class_weight: float = training_field.class_weight(1.0, advanced=True)
    unknown_below: float = Field(
        0.5,
        ge=0,
        le=1,
        title="Unknown below",
        description="A cell whose likeliest class has less than this probability is called unknown.",
    )
    learning_rate: float = training_field.learning_rate(3e-3, advanced=True)
    gene_rate: float = Field(
        0.3,
        ge=0,
        le=1000,
        title="Step of genes",
        description="Step of a token's genes relative to all else, divided by the root of their number; "
        "0: tokens stay components.",
        json_schema_extra={"advanced": True},
    )
    average_steps: int = training_field.average_steps(50)
    weight_decay: float = training_field.weight_decay(1e-2, advanced=True)
    batch_size: int = training_field.batch_size(128, advanced=True)
    max_epochs: int = training_field.max_epochs(60)
    patience: int = training_field.patience(8)

    @model_validator(mode="after")
    def _fits(self) -> TransformerParams:
        if self.width % self.heads:
            raise ValueError(f"The width ({self.width}) must be a multiple of the heads ({self.heads}).")
        if self.min_genes > self.max_genes:
            raise ValueError("The fewest genes of a set cannot be more than the most.")
        return self
