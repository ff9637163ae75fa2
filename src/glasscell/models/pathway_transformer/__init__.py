"""Family ``pathway_transformer``: a class token that attends to pathways."""
