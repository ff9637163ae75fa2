"""The views in a notebook: frames drawn by the kernel, controls of ipywidgets."""
