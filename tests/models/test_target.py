"""Targets are read back from their text, and a bad one gets a sentence."""

from __future__ import annotations

import pytest

from glasscell.errors import ModelError, NotCompatible
from glasscell.models.target import Target, parse_target, require_target


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("class:L5", Target("class", "L5")),
        (" class: L5 ", Target("class", "L5")),
        ("class:CD4+ T / NK", Target("class", "CD4+ T / NK")),
        ("contrast:a/b", Target("contrast", "a", "b")),
        ("contrast:a", Target("contrast", "a")),
        ("latent:3", Target("latent", "3")),
        ("gene:CD3E", Target("gene", "CD3E")),
        ("domain:2", Target("domain", "2")),
        ("class:a:b", Target("class", "a:b")),
    ],
)
def test_text_becomes_a_target(text: str, target: Target) -> None:
    assert parse_target(text) == target


@pytest.mark.parametrize("name", ["a", "a/b", "a\\", "a\\/b", "x:y", "/"])
@pytest.mark.parametrize("against", [None, "c", "c/d", "/"])
def test_every_contrast_survives_its_text(name: str, against: str | None) -> None:
    target = Target("contrast", name, against)
    assert parse_target(str(target)) == target
    assert Target.from_json(target.to_json()) == target


def test_known_names_settle_where_a_contrast_is_cut() -> None:
    names = ("T/NK", "B", "T")
    assert parse_target("contrast:T/NK/B", names) == Target("contrast", "T/NK", "B")
    assert parse_target("contrast:T/NK", names) == Target("contrast", "T/NK")


@pytest.mark.parametrize("text", ["L5", "shape:L5", "class:", "contrast:a/", "contrast:/b", ""])
def test_bad_text_gets_a_sentence(text: str) -> None:
    with pytest.raises(ModelError, match=r"target|names"):
        parse_target(text)


def test_only_a_contrast_compares() -> None:
    with pytest.raises(ModelError, match="contrast"):
        Target("class", "a", "b")


def test_an_absent_target_lists_what_is_there() -> None:
    targets = (Target("class", "a"), Target("class", "b"))
    require_target(Target("class", "a"), targets, "Net")
    with pytest.raises(NotCompatible, match="it has a, b"):
        require_target(Target("class", "c"), targets, "Net")
    with pytest.raises(NotCompatible, match="kind gene"):
        require_target(Target("gene", "a"), targets, "Net")
