"""What is said of a model that has no classes: whether it was told any kinds, and what was held out."""

from types import SimpleNamespace
from typing import Any

import pytest

from glasscell.views.model_words import words


@pytest.mark.parametrize(
    ("net", "said"), [({"label_column": "louvain"}, "told louvain"), ({}, "without labels")]
)
def test_kinds_that_a_model_was_told_are_named_and_sentences_end_once(net: Any, said: str) -> None:
    bundle: Any = SimpleNamespace(
        id="m-1",
        classes=(),
        folds=(SimpleNamespace(**net),),
        provenance={"batch": "donor"},
        split_text="fold 1 of Random cells in 4 folds.",
        notes=(),
        twin=None,
    )
    first = words(bundle, False)[0]
    assert first == f"m-1: {said}, donor taken out; held out fold 1 of Random cells in 4 folds."
