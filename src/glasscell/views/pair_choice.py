"""Which maps of models and explanations can be put beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.data.channel import ChannelRef
from glasscell.explain.channel import attribution_ref
from glasscell.explain.comparison.channel import comparison_ref, sides_of
from glasscell.session.comparing import KIND
from glasscell.views.pair_view import PairOffer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glasscell.explain.comparison.result import ModelComparison
    from glasscell.explain.result import Explanation
    from glasscell.session import Session

    Side = tuple[str, str, ChannelRef]

WHATS = {
    "label": "the class they give",
    "own": "how sure they are of the own class",
    "gene": "why: the share of a gene",
}
#: So many genes of an explanation are offered, the largest first.
N_GENES = 20
TOO_FEW = (
    "Two models that classify, or two explanations, can be put beside each other: run a comparison, or train "
    "or explain twice."
)


class PairChoice:
    """What a session can put beside each other now.

    Parameters
    ----------
    session
        Asked for its latest comparison, its models and its explanations of the open data.
    """

    def __init__(self, session: Session) -> None:
        dataset = session.dataset
        data = "" if dataset is None else dataset.fingerprint
        self._compared: ModelComparison | None = session.latest(KIND)
        self._bundles = [
            one for one in _held(session, "bundle") if one.classes and one.data_fingerprint == data
        ]
        self._explanations: list[Explanation] = [
            one for one in _held(session, "explanation") if one.provenance.data == data
        ]

    def offer(self, what: str = "", gene: str = "", left: str = "", right: str = "") -> PairOffer:
        """Offer everything; keep what was chosen as far as it is still there."""
        whats = tuple((key, words) for key, words in WHATS.items() if len(self.sides(key, "")) >= 2)
        if not whats:
            return PairOffer()
        what = what if what in dict(whats) else whats[0][0]
        genes = self.genes() if what == "gene" else ()
        gene = gene if gene in genes else genes[0] if genes else ""
        sides = self.sides(what, gene)
        keys = [key for key, _, _ in sides]
        left = left if left in keys else keys[0] if keys else ""
        others = [key for key in keys if key != left]
        right = right if right in keys and right != left else others[0] if others else left
        return PairOffer(
            whats, what, genes, gene, tuple((key, words) for key, words, _ in sides), left, right
        )

    def channels(self, offer: PairOffer) -> tuple[ChannelRef, ChannelRef] | None:
        """Return the two channels that are chosen; None where there are not two."""
        found = {key: ref for key, _, ref in self.sides(offer.what, offer.gene)}
        pair = found.get(offer.left), found.get(offer.right)
        return None if pair[0] is None or pair[1] is None or pair[0] == pair[1] else (pair[0], pair[1])

    def chosen(self, left: ChannelRef, right: ChannelRef) -> PairOffer:
        """Return the offer in which two channels are chosen; as at first where they are not on offer."""
        for what in WHATS:
            for gene in self.genes() if what == "gene" else ("",):
                keys = {ref: key for key, _, ref in self.sides(what, gene)}
                if left in keys and right in keys:
                    return self.offer(what, gene, keys[left], keys[right])
        return self.offer()

    def words(self, left: ChannelRef, right: ChannelRef) -> tuple[str, str]:
        """Call two chosen channels as their sides are called; empty where they are not on offer."""
        offer = self.chosen(left, right)
        said = dict(offer.sides)
        chosen = self.channels(offer) == (left, right)
        return (said[offer.left], said[offer.right]) if chosen else ("", "")

    def genes(self) -> tuple[str, ...]:
        """List the genes whose share can be shown, of the comparison before those of explanations."""
        found: dict[str, None] = {}
        if self._compared is not None:
            found = dict.fromkeys(gene for one in self._compared.reasons.values() for gene in one.genes)
        for one in self._explanations:
            found |= dict.fromkeys(top.gene for top in one.top(N_GENES))
        return tuple(found)

    def sides(self, what: str, gene: str) -> list[Side]:
        """List what can be shown: key, words and channel; without a gene whatever has any."""
        return list(self._compared_sides(what, gene)) + list(self._own_sides(what, gene))

    def _compared_sides(self, what: str, gene: str) -> Iterator[Side]:
        found = self._compared
        if found is None:
            return
        for name in sides_of(found, what, gene):
            yield f"compared:{name}", name, comparison_ref(found, name, what, gene)

    def _own_sides(self, what: str, gene: str) -> Iterator[Side]:
        if what != "gene":
            for bundle in self._bundles:
                yield (
                    f"model:{bundle.id}",
                    f"trained: {bundle.id}",
                    ChannelRef.make("prediction", what, model=bundle.id),
                )
            return
        for one in self._explanations:
            if not gene or gene in one.genes:
                words = f"explained: {one.target}, {one.method}, {one.id}"
                yield f"explanation:{one.id}", words, attribution_ref(one, gene)


def _held(session: Session, kind: str) -> list[Any]:
    found = (session.store.get((kind, name)) for name in session.store.names(kind))
    return [one for one in found if one is not None]
