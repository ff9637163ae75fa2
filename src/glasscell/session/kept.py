"""Which results a session keeps on the disk, and in which form each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from glasscell.models.bundle import Bundle
    from glasscell.session.core import Core

#: Kinds of results beside models and explanations, with the classes each may be of.
KINDS: Mapping[str, tuple[str, ...]] = {
    "traversal": ("Traversal",),
    "stability": ("FactorStability",),
    "set_worth": ("SetWorth",),
    "attention": ("TokenAttention", "EdgeAttention"),
    "perturbation": ("Perturbation",),
    "contrast": ("Contrast",),
    "nodes": ("NodeImportance",),
    "comparison": ("ModelComparison",),
    "applied": ("Applied",),
}
APPLIED = "applied"
_FOLDERS = {"bundle": "models", "explanation": "explanations"}

Named = tuple[str, str]  # kind and id of a result


def results_of(session: Core) -> tuple[Named, ...]:
    """Name the results of the open data that are kept beside models and explanations.

    The latest of each kind comes after the one that the colours are of; what models said of these data is
    kept for every model.
    """
    dataset, channel = session.dataset, session.state.colouring.channel
    if dataset is None:
        return ()
    shown = set() if channel is None else {value for _, value in channel.params}
    found: list[Named] = []
    for kind in KINDS:
        latest = None if kind == APPLIED else session.latest(kind)
        last = "" if latest is None else latest.id
        for name in session.store.names(kind):
            if kind == APPLIED:
                mine = name.endswith(f"@{dataset.fingerprint[:12]}")
            else:
                mine = name in shown and data_of(session.store.get((kind, name))) == dataset.fingerprint
            if mine and name != last:
                found.append((kind, name))
        found += [(kind, last)] if last else []
    return tuple(found)


def place_of(folder: Path, kind: str, name: str) -> Path:
    """Return where a result lies in the folder of a session."""
    return folder / _FOLDERS[kind] / name if kind in _FOLDERS else folder / "results" / kind / name


def write_kept(result: Any, kind: str, place: Path) -> None:
    """Write a model, an explanation or another result into a folder of its own, replacing what was there."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if kind == "bundle":
        from glasscell.models.bundle_file import save_bundle

        save_bundle(result, place)
    elif kind == "explanation":
        from glasscell.explain.explanation_file import save_explanation

        save_explanation(result, place)
    else:
        from glasscell.session.result_file import save_result

        save_result(result, place)


def read_kept(kind: str, place: Path) -> Any:
    """Read what ``write_kept`` wrote; damage is reported in one sentence, as a GlasscellError."""
    if kind == "bundle":
        from glasscell.models.bundle_file import load_bundle

        return load_bundle(place)
    if kind == "explanation":
        from glasscell.explain.explanation_file import load_explanation

        return load_explanation(place)
    from glasscell.session.result_file import load_result

    return load_result(place, KINDS[kind])


def data_of(result: Any) -> str:
    """Return the fingerprint of the data a result was made of; empty for none."""
    return str(getattr(result, "data_fingerprint", "") or getattr(result, "data", ""))


def why_not_of(result: Any, name: str, data: str, models: Collection[Bundle]) -> str:
    """Say why a result does not belong to a session's data and models; empty when it does."""
    if result.id != name:
        return "it goes by another name than it was saved under."
    if data_of(result) != data:
        return "it was made of other data."
    model = getattr(result, "model", "") or getattr(getattr(result, "provenance", None), "model", "")
    if model and not any(model in (bundle.id, bundle.fingerprint) for bundle in models):
        return f"its model {model} is not in this session."
    return ""
