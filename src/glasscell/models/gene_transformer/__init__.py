"""Family ``gene_transformer``: genes as tokens, taught without labels to predict hidden values."""
