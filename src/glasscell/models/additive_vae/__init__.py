"""Family ``additive_vae``: counts through latents whose effects on genes add up."""
