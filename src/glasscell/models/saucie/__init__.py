"""Family ``saucie``: a map in two dimensions, and binary codes that sort cells into clusters."""
