"""Settings of the family ``additive_vae``."""

from __future__ import annotations

from pydantic import Field

from glasscell.models.vae.params import VaeParams


class AdditiveParams(VaeParams):
    """Settings of the family ``additive_vae``: those of ``vae``, and of its decoder."""

    n_latent: int = Field(
        16, ge=1, le=200, title="Factors", description="At most; those that nothing needs vanish."
    )
    n_layers: int = Field(
        1, ge=1, le=4, title="Hidden layers", description="Of the encoder and of each factor's curve."
    )
    linear: bool = Field(
        False,
        title="Linear decoder",
        description="Each factor moves log-expression along a line: it then has exact loadings.",
    )
    decoder_hidden: int = Field(
        32,
        ge=1,
        le=1024,
        title="Width of a curve",
        description="Hidden units a factor's curve is made of; unused when linear.",
    )
