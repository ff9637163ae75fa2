"""Search over everything a view can be coloured by: tens of thousands of names within a key stroke."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from glasscell.data.channel import ChannelRef

_WORD_START = re.compile(r"(?<=[\s_\-.:/|(,])[^\s_\-.:/|(,]")
_ENOUGH = 400
_AFTER = "\U0010ffff"


@dataclass(frozen=True)
class Hit:
    """One thing to colour by.

    Parameters
    ----------
    ref
        What is shown when the hit is chosen.
    title
        The name, plain text.
    subtitle
        What it is ("gene", "attribution to class:L5"), plain text.
    aliases
        Other names it is found by, such as a gene's identifier.
    """

    ref: ChannelRef
    title: str
    subtitle: str = ""
    aliases: tuple[str, ...] = ()


class SearchIndex:
    """An index of hits: whole name before prefix before word start before anywhere; shorter names first.

    Parameters
    ----------
    hits
        What can be found. Of two equally good hits the one named earlier comes first.
    """

    def __init__(self, hits: Iterable[Hit]) -> None:
        self._hits: Sequence[Hit] = tuple(hits)
        heads: list[tuple[str, int]] = []
        words: list[tuple[str, int]] = []
        for number, hit in enumerate(self._hits):
            for name in (hit.title, *hit.aliases):
                plain = name.casefold().replace("\n", " ")
                heads.append((plain, number))
                words.extend((plain[match.start() :], number) for match in _WORD_START.finditer(plain))
        self._names = heads
        self._text = "\n".join(name for name, _ in heads)
        self._line_start = list(accumulate((len(name) + 1 for name, _ in heads), initial=0))
        self._sorted = _SortedNames(heads), _SortedNames(words)

    def __len__(self) -> int:
        """Count the hits."""
        return len(self._hits)

    def find(self, query: str, limit: int = 50) -> tuple[Hit, ...]:
        """Find the best hits, best first.

        Parameters
        ----------
        query
            Any part of a name, in any case. Several words must all occur, the first one in the name, the
            others in the name or in what the hit is.
        limit
            Most hits to return.

        Returns
        -------
        At most ``limit`` different hits; the first ones in the order given for an empty query.
        """
        asked = query.casefold().strip()
        if not asked:
            return tuple(self._hits[:limit])
        found = self._ranked(asked, limit)
        first, *others = asked.split()
        if others and len(found) < limit:
            for number in self._ranked(first, _ENOUGH):
                hit = self._hits[number]
                where = " ".join((hit.title, hit.subtitle, *hit.aliases)).casefold()
                if all(word in where for word in others):
                    found.setdefault(number)
        return tuple(self._hits[number] for number in list(found)[:limit])

    def _ranked(self, asked: str, limit: int) -> dict[int, None]:
        """Hit numbers in order of rank, without repeats."""
        found: dict[int, None] = {}
        for names in self._sorted:
            found.update(dict.fromkeys(number for number in names.starting(asked) if number not in found))
            if len(found) >= limit:
                return found
        for _, _, number in sorted((len(name), name, number) for name, number in self._anywhere(asked)):
            found.setdefault(number)
        return found

    def _anywhere(self, asked: str) -> Iterator[tuple[str, int]]:
        """Names that hold the query at any place, until there are enough."""
        place = self._text.find(asked)
        for _ in range(_ENOUGH):
            if place < 0:
                return
            line = bisect_left(self._line_start, place + 1) - 1
            yield self._names[line]
            place = self._text.find(asked, self._line_start[line + 1])


class _SortedNames:
    """Names in order, so that those with one beginning are one slice."""

    def __init__(self, names: list[tuple[str, int]]) -> None:
        names = sorted(names)
        self._names = [name for name, _ in names]
        self._numbers = np.array([number for _, number in names], np.int64)
        self._lengths = np.array([len(name) for name in self._names], np.int16)

    def starting(self, asked: str) -> list[int]:
        """Numbers of the names that start so, the shortest first."""
        part = slice(bisect_left(self._names, asked), bisect_left(self._names, asked + _AFTER))
        shortest = np.argsort(self._lengths[part], kind="stable")[:_ENOUGH]
        return [int(number) for number in self._numbers[part][shortest]]
