"""Settings of the family ``saucie``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from glasscell.models import training_field
from glasscell.models.info import FamilyParams


class SaucieParams(FamilyParams):
    """Settings of the family ``saucie``."""

    lambda_c: float = Field(
        1e-2,
        ge=0,
        le=100,
        title="Few units (lambda_c)",
        description="Pull towards codes of few active units; 0: no pull, and codes mean little.",
    )
    lambda_d: float = Field(
        1e-2,
        ge=0,
        le=100,
        title="Alike under one code (lambda_d)",
        description="Pull that keeps cells of unlike expression under different codes.",
    )
    lambda_b: float = Field(
        0.1,
        ge=0,
        le=100,
        title="Batches alike (lambda_b)",
        description="Pull that lays batches over each other on the map; of use where a batch is named.",
    )
    align: Literal["counterparts", "all"] = Field(
        "counterparts",
        title="Cells to align",
        description="counterparts: those whose like both batches have; all: every cell, kinds that only one "
        "batch has included.",
    )
    warm_up: int = Field(
        15,
        ge=0,
        le=10000,
        title="Warm-up",
        description="Epochs over which lambda_c and lambda_d are raised from zero: the map comes first.",
    )
    n_latent: int = Field(
        2, ge=2, le=50, title="Dimensions", description="Of the map; two of them are drawn as they are."
    )
    hidden: int = Field(
        128,
        ge=8,
        le=4096,
        title="Units of the code",
        description="Width of the first and the last hidden layer; those between have a half and a quarter.",
    )
    on_above: float = Field(
        0.25,
        ge=0,
        le=0.9,
        title="On above",
        description="A unit is on where its activity is above this share of its largest.",
    )
    smallest: float = Field(
        0.03,
        ge=0,
        le=0.5,
        title="Smallest cluster",
        description="Share of the cells that must have a code for it to be a cluster.",
    )
    learning_rate: float = training_field.learning_rate(2e-3)
    weight_decay: float = training_field.weight_decay(0.0)
    batch_size: int = Field(128, ge=8, le=65536, title="Batch size", description="Cells per step.")
    max_epochs: int = training_field.max_epochs(200)
    patience: int = training_field.patience(30)
