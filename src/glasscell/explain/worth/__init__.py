"""What each gene set is worth to a model whose latents are gene sets."""
