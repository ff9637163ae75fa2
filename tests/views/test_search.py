"""Search against a naive scan, and its order."""

import numpy as np
import pytest

from glasscell.data.channel import ChannelRef
from glasscell.views.search import Hit, SearchIndex


def gene(name: str, *aliases: str, subtitle: str = "gene") -> Hit:
    return Hit(ChannelRef.make("gene", name), name, subtitle, aliases)


@pytest.fixture(scope="module")
def many() -> list[Hit]:
    rng = np.random.default_rng(0)
    letters = np.array(list("ABCDEFGHIKLMNPRSTVXYZ0123456789-."))
    names = {"".join(rng.choice(letters, rng.integers(3, 9))) for _ in range(31_000)}
    return [gene(name, f"ENSG{i:011d}") for i, name in enumerate(sorted(names)[:30_000])]


@pytest.fixture(scope="module")
def index(many: list[Hit]) -> SearchIndex:
    return SearchIndex(many)


@pytest.mark.parametrize("query", ["a", "cd", "xk7", "ENSG000000012", "b-", ".1", "9", "zzzzzz", "mnp"])
def test_same_best_hits_as_a_naive_scan(query: str, many: list[Hit], index: SearchIndex) -> None:
    asked = query.casefold()
    holding = {hit.title for hit in many if any(asked in n.casefold() for n in (hit.title, *hit.aliases))}
    found = index.find(query, limit=50)
    assert len(found) == min(len(holding), 50)
    assert len({hit.ref for hit in found}) == len(found)
    assert {hit.title for hit in found} <= holding
    prefixed = {h.title for h in many if any(n.casefold().startswith(asked) for n in (h.title, *h.aliases))}
    wanted = min(len(prefixed), 50)
    assert {hit.title for hit in found[:wanted]} <= prefixed, "prefix hits come first"


def test_order_whole_prefix_word_anywhere() -> None:
    names = ["XCD3", "HLA-CD3", "CD3E", "CD3", "CD30L"]
    found = SearchIndex([gene(name) for name in names]).find("cd3")
    assert [hit.title for hit in found] == ["CD3", "CD3E", "CD30L", "HLA-CD3", "XCD3"]


def test_identifiers_case_and_several_words() -> None:
    index = SearchIndex(
        [
            gene("PCP4", "ENSG00000183036"),
            gene("PCP4", subtitle="attribution to class:L5"),
            Hit(ChannelRef.make("obs", "cell type"), "cell type", "column"),
        ]
    )
    assert index.find("ensg00000183036")[0].title == "PCP4"
    assert [hit.subtitle for hit in index.find("pcp4 attr")] == ["attribution to class:L5"]
    assert index.find("Cell Type")[0].ref.kind == "obs"
    assert index.find("type")[0].title == "cell type"
    assert index.find("type cell")[0].title == "cell type"
    assert len(index.find("")) == 3
    assert index.find("  nothing like it ") == ()
    assert len(index) == 3


def test_markup_and_odd_characters_are_plain_text() -> None:
    index = SearchIndex([gene("<b>x</b>"), gene("a\nb"), gene("ß-catenin"), gene("")])
    assert index.find("<b>")[0].title == "<b>x</b>"
    assert index.find("ss-cat")[0].title == "ß-catenin"
    assert index.find("b")
