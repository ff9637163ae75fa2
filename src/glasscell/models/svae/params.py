"""Settings of ``ivae`` and ``svae``."""

from __future__ import annotations

from pydantic import Field

from glasscell.models import training_field
from glasscell.models.vae.params import VaeParams


class IvaeParams(VaeParams):
    """Settings of the family ``ivae``: every perturbation shifts every latent."""

    n_latent: int = Field(15, ge=1, le=200, title="Latents", description="Numbers each cell is summed up in.")
    hidden: int = Field(128, ge=2, le=2048, title="Hidden units", description="Width of each hidden layer.")
    n_layers: int = Field(
        2, ge=1, le=4, title="Hidden layers", description="Of the encoder and of the decoder."
    )
    dropout: float = training_field.dropout(0.0)
    input_dropout: float = Field(
        0.0, ge=0, le=0.95, title="Gene dropout", description="Share of genes hidden from the encoder."
    )
    learning_rate: float = Field(
        3e-3, ge=1e-6, le=1.0, title="Learning rate", description="Step size of Adam."
    )
    weight_decay: float = Field(
        0.0, ge=0, le=10, title="Weight decay", description="Pull of weights to zero."
    )
    batch_size: int = training_field.batch_size(256)

    slower: int = Field(
        1,
        ge=0,
        le=3,
        title="Slower endings",
        description="How often training goes on with a tenth of the step when the validation loss no longer "
        "falls; perturbations not seen are then described better.",
    )

    @property
    def sparse(self) -> bool:
        """Whether gates are learnt."""
        return False

    @property
    def closing(self) -> float:
        """Weight of the mask's prior."""
        return 0.0


class SvaeParams(IvaeParams):
    """Settings of the family ``svae``: a perturbation shifts few latents."""

    sparsity: float = Field(
        50.0,
        ge=1,
        le=10000,
        title="Sparsity",
        description="K0 of the mask's prior Beta(1, K0): the larger, the fewer latents are shifted.",
    )
    dense_epochs: int = Field(
        60,
        ge=0,
        le=10000,
        title="Epochs before the mask",
        description="Passes in which every perturbation may shift every latent; latents are then turned to "
        "the axes along which shifts are sparsest.",
    )
    mask_epochs: int = Field(
        60,
        ge=1,
        le=10000,
        title="Epochs of the mask",
        description="Passes in which it is learnt which perturbation shifts which latent; it is then fixed.",
    )

    @property
    def sparse(self) -> bool:
        """Whether gates are learnt."""
        return True

    @property
    def closing(self) -> float:
        """Weight of the mask's prior, K0 - 1."""
        return self.sparsity - 1.0
