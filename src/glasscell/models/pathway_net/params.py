"""Settings of the family ``pathway_net``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from glasscell.data.gene_set import SAMPLE_SETS
from glasscell.models import training_field
from glasscell.models.info import FamilyParams

ALL = "all genes"


class PathwayNetParams(FamilyParams):
    """Settings of the family ``pathway_net``."""

    gene_sets: str = Field(
        SAMPLE_SETS,
        title="Gene sets",
        description="A .gmt file, for example from MSigDB: each of its sets becomes a node.",
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
        500, ge=2, le=5000, title="Most genes", description="Sets with more measured genes are left out."
    )
    hierarchy: str = Field(
        "",
        title="Groups of sets",
        description="A .gmt file whose lines name sets in place of genes: a second layer. Empty: none.",
        json_schema_extra={"path": "Groups of sets (*.gmt)"},
    )
    overlap_groups: int = Field(
        0,
        ge=0,
        le=500,
        title="Groups by overlap",
        description="Without a file of groups: a second layer of so many groups of sets that share genes. "
        "They are made of the file of sets and are no biology of their own. 0: none.",
    )
    n_free: int = Field(
        16,
        ge=0,
        le=256,
        title="Free nodes",
        description="Nodes of no name in each layer, so that what no set holds is not lost.",
    )
    free_see: Literal["genes of no set", "all genes"] = Field(
        "genes of no set",
        title="Free nodes see",
        description="All genes: they may stand in for sets, whose importance then says less.",
    )
    deeper: float = Field(
        2.7,
        ge=0.1,
        le=100,
        title="Weight of deeper heads",
        description="How many times the loss of a layer's head counts that of the layer before.",
        json_schema_extra={"advanced": True},
    )
    input_dropout: float = Field(
        0.3,
        ge=0,
        le=0.95,
        title="Gene dropout",
        description="Share of genes hidden at each step.",
        json_schema_extra={"advanced": True},
    )
    dropout: float = Field(
        0.2,
        ge=0,
        le=0.95,
        title="Node dropout",
        description="Share of nodes left out at each step, so that no class hangs on one alone.",
    )
    class_weight: float = training_field.class_weight(1.0, advanced=True)
    learning_rate: float = training_field.learning_rate(1e-3, advanced=True)
    gene_rate: float = Field(
        12.0,
        ge=0,
        le=1000,
        title="Step of genes",
        description="Step of a node's genes relative to all else, divided by the root of their number; "
        "0: nodes stay components.",
        json_schema_extra={"advanced": True},
    )
    average_steps: int = training_field.average_steps(50)
    weight_decay: float = training_field.weight_decay(1e-2, advanced=True)
    batch_size: int = training_field.batch_size(128, advanced=True)
    max_epochs: int = training_field.max_epochs(100)
    patience: int = training_field.patience(10)

    @model_validator(mode="after")
    def _fits(self) -> PathwayNetParams:
        if self.min_genes > self.max_genes:
            raise ValueError("The fewest genes of a set cannot be more than the most.")
        if self.hierarchy.strip() and self.overlap_groups:
            raise ValueError("A second layer is either a file of groups or groups by overlap, not both.")
        if self.overlap_groups == 1:
            raise ValueError("One group by overlap holds everything: ask for two or more, or for 0.")
        return self
