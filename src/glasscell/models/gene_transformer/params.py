"""Settings of the family ``gene_transformer``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from glasscell.models import training_field
from glasscell.models.info import FamilyParams

if TYPE_CHECKING:
    from pydantic.config import JsonDict

_ADVANCED: JsonDict = {"advanced": True}


class GeneTransformerParams(FamilyParams):
    """Settings of the family ``gene_transformer``."""

    start_from: str = Field(
        "",
        title="Start from",
        description="Folder of a saved gene transformer whose weights training begins with; empty for none.",
        json_schema_extra={"path": "Trained model (model.json)"},
    )
    n_tokens: int = Field(
        512, ge=8, le=512, title="Genes", description="The most variable genes become tokens."
    )
    width: int = Field(
        32,
        ge=4,
        le=256,
        title="Width",
        description="Numbers per token; a multiple of the heads.",
        json_schema_extra=_ADVANCED,
    )
    heads: int = Field(4, ge=1, le=16, title="Heads", description="Ways of attending in each layer.")
    depth: int = Field(2, ge=1, le=6, title="Layers", description="Layers of attention.")
    pretrain_epochs: int = Field(
        10,
        ge=0,
        le=10000,
        title="Epochs without labels",
        description="Passes in which hidden genes are guessed, at most; 0 goes to the labels at once.",
    )
    hidden_share: float = Field(
        0.25,
        ge=0.01,
        le=0.9,
        title="Hidden genes",
        description="Share of a cell's expressed genes that are hidden at each step.",
    )
    most_asked: int = Field(
        32,
        ge=1,
        le=512,
        title="Most asked",
        description="Hidden genes of a cell that are guessed in one step.",
        json_schema_extra=_ADVANCED,
    )
    most_shown: int = Field(
        192,
        ge=8,
        le=512,
        title="Most shown",
        description="Expressed genes of a cell that are shown in one step of training; more take longer.",
        json_schema_extra=_ADVANCED,
    )
    keep_guessing: float = Field(
        0.1,
        ge=0,
        le=100,
        title="Keep guessing",
        description="Weight of the error of hidden genes while labels are learnt; 0 forgets to guess.",
        json_schema_extra=_ADVANCED,
    )
    all_genes: bool = Field(
        True,
        title="Read all genes",
        description="Genes that are no tokens are read linearly, where that tells cells set aside better.",
        json_schema_extra=_ADVANCED,
    )
    class_weight: float = training_field.class_weight(0.5, advanced=True)
    dropout: float = Field(
        0.0,
        ge=0,
        le=0.95,
        title="Hidden dropout",
        description="Share of hidden values dropped.",
        json_schema_extra=_ADVANCED,
    )
    pretrain_rate: float = Field(
        1e-3,
        ge=1e-6,
        le=1.0,
        title="Rate without labels",
        description="Step size of AdamW while no labels are used.",
        json_schema_extra=_ADVANCED,
    )
    learning_rate: float = Field(
        3e-4,
        ge=1e-6,
        le=1.0,
        title="Learning rate",
        description="Step size of AdamW while labels are learnt.",
        json_schema_extra=_ADVANCED,
    )
    weight_decay: float = training_field.weight_decay(1e-2, advanced=True)
    batch_size: int = training_field.batch_size(64, advanced=True)
    max_epochs: int = Field(
        10, ge=1, le=10000, title="Most epochs", description="Passes over the labelled cells, at most."
    )
    patience: int = training_field.patience(3)

    @model_validator(mode="after")
    def _fits(self) -> GeneTransformerParams:
        if self.width % self.heads:
            raise ValueError(f"The width ({self.width}) must be a multiple of the heads ({self.heads}).")
        return self
