"""The rules between the parts of a state."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from glasscell.data.channel import ChannelRef
from glasscell.data.selection import Category, Cells, Everything, Lasso, Not
from glasscell.session.rules import (
    ExplanationFacts,
    Facts,
    first_channel,
    first_embedding,
    label_columns,
    normalize,
)
from glasscell.session.state import Annotation, Colouring, Group, State, Views

FACTS = Facts(
    dataset="d.1",
    data="d",
    n_cells=10,
    genes=frozenset({"PCP4", "MBP"}),
    columns={"score": None, "leiden": 5, "layer": 3, "barcode": 400, "one": 1},
    embeddings={"X_pca": 5, "X_umap": 2},
    sections=("s1", "s2"),
    has_positions=True,
    models=frozenset({"m1"}),
    explanations={
        "e1": ExplanationFacts("m1", "d", frozenset({"PCP4"})),
        "old": ExplanationFacts("m1", "other data", frozenset({"PCP4"})),
        "other": ExplanationFacts("m2", "d", frozenset({"PCP4"})),
    },
)


def cells(*indices: int) -> Cells:
    return Cells(np.array(indices, np.int32))


def test_without_data_only_the_model_stays() -> None:
    wish = State("gone", groups=(Group("a", cells(1), "#000000"),), model="m1", explanation="e1")
    assert normalize(wish, Facts(models=frozenset({"m1"}))) == State(model="m1")


def test_a_good_wish_is_left_alone_and_normalizing_twice_changes_nothing() -> None:
    wish = State(
        "d.1",
        Lasso("tissue", ((0, 0), (1, 0), (1, 1))),
        (Group("a", cells(1, 2), "#00ff00"),),
        (Annotation("odd", cells(3)),),
        Colouring(ChannelRef.make("gene", "PCP4"), (0.0, 2.0), (("x", "#ff0000"),), ("y",)),
        Views("X_pca", (2, 3), None, "s1"),
        "m1",
        "e1",
    )
    assert normalize(wish, FACTS) == wish
    assert normalize(normalize(wish, FACTS), FACTS) == wish


@pytest.mark.parametrize(
    "ref",
    [
        ChannelRef.make("gene", "NOPE"),
        ChannelRef.make("obs", "nope"),
        ChannelRef.make("embedding", "X_umap", component=2),
        ChannelRef.make("group", "nope"),
        ChannelRef.make("attribution", "MBP", explanation="e1"),
        ChannelRef.make("attribution", "PCP4", explanation="old"),
        ChannelRef.make("prediction", "label", model="m9"),
        ChannelRef.make("influence", "MBP", model="m9", regulator="PLP1"),
    ],
)
def test_a_channel_that_is_not_there_is_not_coloured_by(ref: ChannelRef) -> None:
    wish = State("d.1", colouring=Colouring(ref, (0, 1), (), ("x",)))
    assert normalize(wish, FACTS).colouring == Colouring()


@pytest.mark.parametrize(
    "kind", ["gene", "obs", "attribution", "prediction", "position", "from another package"]
)
def test_channels_that_are_there_stay(kind: str) -> None:
    key = {"gene": "MBP", "obs": "layer", "attribution": "PCP4", "position": "x"}.get(kind, "label")
    ref = ChannelRef.make(kind, key, explanation="e1", model="m1")
    assert normalize(State("d.1", colouring=Colouring(ref)), FACTS).colouring.channel == ref


@pytest.mark.parametrize(
    ("asked", "given"),
    [((2, 1), (1.0, 2.0)), ((1, 1), None), ((0, np.nan), None), ((0, np.inf), None), (None, None)],
)
def test_limits_are_two_numbers_in_order_or_automatic(
    asked: tuple[float, float] | None, given: tuple[float, float] | None
) -> None:
    wish = State("d.1", colouring=Colouring(ChannelRef.make("gene", "MBP"), asked))
    assert normalize(wish, FACTS).colouring.limits == given


def test_palettes_hold_colours_and_the_last_word_counts() -> None:
    palette = (("a", "#FF0000"), ("b", "red"), ("a", "#00FF00"))
    wish = State(
        "d.1", colouring=Colouring(ChannelRef.make("obs", "layer"), palette=palette, hidden=("z", "a", "z"))
    )
    shown = normalize(wish, FACTS).colouring
    assert shown.palette == (("a", "#00ff00"),)
    assert shown.hidden == ("a", "z")


def test_views_fall_back_to_what_is_there() -> None:
    lost = Views("X_gone", (0, 9), (ChannelRef.make("gene", "NOPE"), ChannelRef.make("gene", "MBP")), "s9")
    assert normalize(State("d.1", views=lost), FACTS).views == Views("X_umap")
    negative = Views("X_pca", (-1, 0))
    assert normalize(State("d.1", views=negative), FACTS).views.components == (0, 1)


def test_an_explanation_belongs_to_the_model_and_to_the_data() -> None:
    for name, kept in (("e1", "e1"), ("old", None), ("other", None), ("nope", None)):
        assert normalize(State("d.1", model="m1", explanation=name), FACTS).explanation == kept
    assert normalize(State("d.1", model=None, explanation="e1"), FACTS).explanation is None
    assert normalize(State("d.1", model="nope"), FACTS).model is None


def test_groups_have_names_and_cells_of_this_dataset() -> None:
    groups = (
        Group(" a ", cells(1), "#000000"),
        Group("", cells(1), "#000000"),
        Group("far", cells(10), "#000000"),
        Group("empty", cells(), "#000000"),
        Group("a", cells(2), "#111111"),
    )
    assert normalize(State("d.1", groups=groups), FACTS).groups == (Group("a", cells(2), "#111111"),)
    notes = (Annotation(" ", cells(1)), Annotation("far", cells(99)), Annotation("here", cells(1)))
    assert normalize(State("d.1", annotations=notes), FACTS).annotations == notes[2:]


def test_a_selection_must_name_things_that_are_there() -> None:
    gone = Category(ChannelRef.make("obs", "nope"), ("a",))
    for bad in (gone, ~gone, gone & cells(1), cells(11), Not(cells(11)), Everything() | gone):
        assert normalize(State("d.1", bad), FACTS).selection == Everything()
    no_place = replace(FACTS, has_positions=False)
    lasso = Lasso("tissue", ((0, 0), (1, 0), (1, 1)))
    assert normalize(State("d.1", lasso), no_place).selection == Everything()
    assert normalize(State("d.1", cells(9)), FACTS).selection == cells(9)
    assert normalize(State("d.1", cells()), FACTS).selection == cells()


def test_the_first_screen() -> None:
    assert label_columns(FACTS) == ("layer", "leiden")
    assert first_channel(FACTS) == ChannelRef.make("obs", "layer")
    assert first_embedding(FACTS) == "X_umap"
    assert first_embedding(replace(FACTS, embeddings={"X_odd": 2})) == "X_odd"
    assert first_embedding(Facts()) is None
    assert first_channel(Facts()) is None


def test_another_channel_starts_with_limits_of_its_own() -> None:
    state = State(colouring=Colouring(ChannelRef.make("gene", "MBP"), (0, 1), (), ("x",)))
    other = ChannelRef.make("gene", "PCP4")
    assert state.with_wish(channel=other).colouring == Colouring(other)
    assert state.with_wish(channel=other, limits=(2, 3)).colouring == Colouring(other, (2, 3))
    assert state.with_wish(channel=state.colouring.channel).colouring == state.colouring
    assert state.with_wish(section="s1").views.section == "s1"
