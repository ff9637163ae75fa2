"""Models of scvi-tools: four classes that are opened or trained, four that are trained here only."""
