"""Models of cells: what they can do, how they train, how they are kept.

Importing this package loads no torch; the files that need it are reached through the registry or imported on
use.
"""
