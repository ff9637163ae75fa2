"""Family ``pathway_net``: genes to sets to groups of sets to classes, each step along known connections."""
