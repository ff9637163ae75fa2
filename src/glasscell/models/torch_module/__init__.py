"""Family ``torch_module``: one's own network."""
