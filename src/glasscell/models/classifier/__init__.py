"""Family ``classifier``: a network that sorts cells into classes."""
