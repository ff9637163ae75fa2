"""The napari plugin: the tissue on the canvas, the docks round it, and the window that holds them."""
