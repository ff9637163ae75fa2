"""How the first screen calls matrices, names of genes and its buttons."""

from __future__ import annotations

_WORDS = {"X": "X", "raw": "raw", "symbols": "symbols", "ids": "identifiers (Ensembl)"}
COUNTS_TIP = "Which matrix of the file holds counts; those that do are listed"
GENES_TIP = "What genes are called by; the search finds both"
RUN, RUN_TIP = "Prepare", "Normalise, reduce, embed and cluster in the background"
SAVE_TIP = "Save the data with what was computed, to a new .h5ad file"
BEGIN = "Open a file to begin."


def choice_words(name: str) -> str:
    """Call a matrix or a kind of gene names as people do."""
    return _WORDS.get(name, f"layer {name.removeprefix('layers/')}")
