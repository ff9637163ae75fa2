"""Family ``spatial_attention``: cells described together with their neighbours on the tissue."""
