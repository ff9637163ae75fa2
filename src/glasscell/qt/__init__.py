"""The views as Qt widgets, for PyQt6 and PySide6 alike.

Each view holds a widget in ``.widget``; none knows napari or the session.
"""

import os

import qtpy

# pyqtgraph looks for a binding by itself and may find another one than the running application.
os.environ["PYQTGRAPH_QT_LIB"] = str(qtpy.API_NAME)
