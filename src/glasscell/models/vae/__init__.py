"""Family ``vae``: counts through a few latents."""
