"""Settings of the family ``grn``."""

from __future__ import annotations

from pydantic import Field

from glasscell.models import training_field
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
    learning_rate: float = training_field.learning_rate(3e-3)
    weight_decay: float = training_field.weight_decay(1e-2)
    batch_size: int = training_field.batch_size(128)
    max_epochs: int = training_field.max_epochs(100)
    patience: int = training_field.patience(8)
