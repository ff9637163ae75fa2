"""What a latent factor does: swept over its observed range, decoded, and set beside real cells.

Importing this package loads no torch; the engines load it when they run.
"""

from __future__ import annotations

from glasscell.explain.traversal.label import LabelLink, label_links
from glasscell.explain.traversal.request import TraverseRequest, why_no_traversal
from glasscell.explain.traversal.result import Traversal
from glasscell.explain.traversal.traverse import traverse

__all__ = ["LabelLink", "Traversal", "TraverseRequest", "label_links", "traverse", "why_no_traversal"]
