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
    masks = sum(section.mask is not None for section in dataset.tissue.sections)
    linked = f" with {'a mask' if masks == 1 else 'masks'}" if masks else ""
    return [count(len(dataset.sections), "section") + linked]


def embedding_name(key: str) -> str:
    """Name an embedding as people say it: ``X_umap`` is UMAP."""
    return _EMBEDDING_WORDS.get(key, key.removeprefix("X_"))


def describe(dataset: Dataset) -> str:
    """Say in one sentence what a dataset holds and, without an embedding, offer to prepare it.

    Returns
    -------
    Such as ``3,639 Visium spots, 1 section, counts in X, no embedding: prepare?``
    """
    kind = f"{dataset.platform} {dataset.observation}".strip()
    parts = [count(dataset.n_cells, kind), *_place_phrases(dataset)]
    if dataset.donors is not None and len(dataset.donors) > 1:
        parts.append(count(len(dataset.donors), "donor"))
    parts.append(_counts_phrase(dataset))
    shown = [embedding_name(key) for key in dataset.embeddings]
    if any(values.shape[1] <= _DRAWABLE for values in dataset.embeddings.values()):
        return ", ".join([*parts, f"{'embedding' if len(shown) == 1 else 'embeddings'} {', '.join(shown)}"])
    return ", ".join([*parts, "no embedding: prepare?"])
