"""Which gene attends to which, summed over cells, with what a removal changes beside."""
