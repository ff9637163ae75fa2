"""What a model expects of cells whose genes are knocked out, lowered or raised, or that are perturbed."""
