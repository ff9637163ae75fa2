"""Families ``scvi``, ``scanvi`` and ``linear_scvi``: models of scvi-tools, opened or trained."""
