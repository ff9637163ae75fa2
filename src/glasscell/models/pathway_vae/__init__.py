"""Family ``pathway_vae``: counts through latents that are gene sets."""
