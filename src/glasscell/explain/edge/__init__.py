"""Edges between genes, with null z, always beside rank correlation and a forest; knock-outs as a check."""
