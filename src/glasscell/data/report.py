"""One sentence that says what was opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset

_EMBEDDING_WORDS = {"X_umap": "UMAP", "X_tsne": "t-SNE", "X_pca": "PCA", "X_draw_graph_fa": "force layout"}

_DRAWABLE = 3  # an embedding with more columns is material for one, not a picture


def count(number: int, noun: str) -> str:
    """Write a number with its noun: ``1 section``, ``3,639 cells``."""
    return f"{number:,} {noun if number == 1 else f'{noun}s'}"


def _counts_phrase(dataset: Dataset) -> str:
    if dataset.counts is not None:
        layer = dataset.counts.removeprefix("layers/")
        place = dataset.counts if dataset.counts in ("X", "raw") else f"layer {layer!r}"
        return f"counts in {place}"
    return "continuous values in X, no counts"


def _place_phrases(dataset: Dataset) -> list[str]:
    if dataset.positions_cd is None:
        return ["no tissue coordinates"]
    sections = dataset.tissue.sections
    masks = sum(section.mask is not None for section in sections)
    linked = f" with {'a mask' if masks == 1 else 'masks'}" if masks else ""
    if not masks and any(section.polygons is not None for section in sections):
        linked = " with outlines"
    phrases = [count(len(dataset.sections), "section") + linked]
    if len(dataset.tissue.heights) > 1:
        phrases.append(f"{len(dataset.tissue.heights)} planes in z")
    return [*phrases, *_point_phrases(dataset)]


def _point_phrases(dataset: Dataset) -> list[str]:
    first = [section.points[0] for section in dataset.tissue.sections if section.points]
    total, drawn = sum(points.total for points in first), sum(len(points) for points in first)
    if not total:
        return []
    noun = "transcript" if any(points.genes for points in first) else "point"
    return [count(total, noun) + (f" ({drawn:,} of them shown)" if drawn < total else "")]


def why_no_cells(dataset: Dataset) -> str:
    """Say why nothing can be learned from a dataset without cells and what would help; else empty text."""
    if dataset.n_cells:
        return ""
    return (
        "This file holds points and no cells, so there is nothing to learn from: "
        "count its points in segmented cells, add that table and open it again."
    )


def embedding_name(key: str) -> str:
    """Name an embedding as people say it: ``X_umap`` is UMAP."""
    return _EMBEDDING_WORDS.get(key, key.removeprefix("X_"))


def describe(dataset: Dataset) -> str:
    """Say in one sentence what a dataset holds and, without an embedding, offer to prepare it.

    Returns
    -------
    Such as ``3,639 Visium spots, 1 section, counts in X, no embedding: prepare?``
    """
    if not dataset.n_cells:
        genes = count(dataset.n_genes, "gene")
        return ", ".join(["no cells", *_point_phrases(dataset), genes])
    kind = f"{dataset.platform} {dataset.observation}".strip()
    parts = [count(dataset.n_cells, kind), *_place_phrases(dataset)]
    if dataset.donors is not None and len(dataset.donors) > 1:
        parts.append(count(len(dataset.donors), "donor"))
    parts.append(_counts_phrase(dataset))
    shown = [embedding_name(key) for key in dataset.embeddings]
    if any(values.shape[1] <= _DRAWABLE for values in dataset.embeddings.values()):
        return ", ".join([*parts, f"{'embedding' if len(shown) == 1 else 'embeddings'} {', '.join(shown)}"])
    return ", ".join([*parts, "no embedding: prepare?"])
