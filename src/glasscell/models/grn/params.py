"""Settings of the family ``grn``."""

from __future__ import annotations

from pydantic import Field

from glasscell.models.info import FamilyParams


class GrnParams(FamilyParams):
    """Settings of the family ``grn``."""

    regulators: str = Field(
        "",
        title="Regulators",
        description="Genes that may act: names, or a file with a name per line or gene sets; empty: all.",
        json_schema_extra={"path": "Regulators (*.txt *.gmt)"},
    )
    n_genes: int = Field(
        500,
        ge=3,
        le=2000,
        title="Genes",
        description="The most variable ones are used, and all named regulators; the others are left out.",
    )
    hidden: int = Field(64, ge=2, le=2048, title="Hidden units", description="Width of the hidden layer.")
    mask_share: float = Field(
        0.2,
        ge=0,
        le=0.9,
        title="Hidden inputs",
        description="Share of the genes hidden at each step, beside the gene that is foretold.",
    )
    learning_rate: float = Field(
        3e-3, ge=1e-6, le=1.0, title="Learning rate", description="Step size of AdamW."
    )
    weight_decay: float = Field(
        1e-2, ge=0, le=10, title="Weight decay", description="Pull of weights towards zero."
    )
    batch_size: int = Field(
        128, ge=8, le=65536, title="Batch size", description="Cells per step; fewer when there are few cells."
    )
    max_epochs: int = Field(
        100, ge=1, le=10000, title="Most epochs", description="Passes over the cells, at most."
    )
    patience: int = Field(
        8,
        ge=1,
        le=1000,
        title="Patience",
        description="Stop after so many epochs without a better validation loss.",
    )
