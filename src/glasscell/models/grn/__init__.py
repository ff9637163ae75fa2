"""Family ``grn``: each gene foretold from the others; its slopes are edges, shown with their doubt."""
