"""Family ``scgnn``: counts through a graph of like cells that is found, pruned and found again."""
