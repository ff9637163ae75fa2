"""Which named nodes of a layered network decide, held against control networks."""
