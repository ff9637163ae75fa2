"""Families ``svae`` and ``ivae``: latents that perturbations shift, few each or all."""
