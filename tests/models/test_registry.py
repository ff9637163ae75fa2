"""Families by key, and what they promise to forms and model cards."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from glasscell.errors import NotCompatible
from glasscell.models.classifier.family import ClassifierParams
from glasscell.models.registry import BUILT_IN, FAMILIES, family


@pytest.mark.parametrize("key", list(BUILT_IN))
def test_every_family_describes_itself(key: str) -> None:
    made = family(key)
    assert made.info.key == key
    assert made.info.title
    assert made.info.works_for.endswith(".")
    assert made.info.fails_for.endswith(".")
    for name, field in made.params.model_fields.items():
        assert field.title, name
        assert field.description, name


def test_an_unknown_family_lists_the_known() -> None:
    with pytest.raises(NotCompatible, match="there are classifier"):
        family("oracle")


def test_a_family_can_be_added_for_this_process() -> None:
    class Info:
        key = "extra"

    class Extra:
        info = Info()

    FAMILIES.register(Extra())  # type: ignore[arg-type]
    try:
        assert "extra" in list(FAMILIES)
        assert family("extra").info.key == "extra"
        assert len(FAMILIES) == len(BUILT_IN) + 1
    finally:
        FAMILIES.unregister("extra")
    assert "extra" not in FAMILIES


def test_settings_are_frozen_and_checked() -> None:
    params = ClassifierParams()
    with pytest.raises(ValidationError):
        params.hidden = 3  # type: ignore[misc]
    with pytest.raises(ValidationError):
        ClassifierParams(hidden=0)
    with pytest.raises(ValidationError):
        ClassifierParams(width=3)  # type: ignore[call-arg]
    assert ClassifierParams(**params.model_dump()) == params
