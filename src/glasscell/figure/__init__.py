"""The same pictures as in the window, for paper and report: matplotlib without a display, and HTML.

Read ``glasscell.figure.cell`` for pictures of cells, ``glasscell.figure.chart`` for rankings, loss curves and
scores, ``glasscell.figure.page`` for writing them as SVG or PNG.
"""
