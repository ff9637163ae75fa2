"""Models held side by side: the same cells, split, labels and seeds, cheap baselines beside them."""
