"""Family ``spagcn``: expression smoothed over the tissue by a Gaussian kernel, divided into domains."""
