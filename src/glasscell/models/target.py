"""What of a model is explained: one number per cell, by kind and name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glasscell.errors import ModelError, NotCompatible

if TYPE_CHECKING:
    from collections.abc import Sequence

# One character, or a backslash with the slash or backslash it protects.
_PIECE = re.compile(r"\\[\\/]|.", re.DOTALL)
KINDS: tuple[str, ...] = (
    "class",
    "contrast",
    "latent",
    "gene",
    "domain",
    "realism",
    "niche",
    "velocity",
)
#: Kinds whose scores are logits; those of the others have units of their own.
_LOGITS = ("class", "contrast", "domain", "niche")


@dataclass(frozen=True)
class Target:
    """A logit or a mean of a model, never a probability (probabilities saturate).

    Parameters
    ----------
    kind
        One of ``KINDS``, such as ``class`` or ``latent``.
    name
        Which one: a class, a latent's number, a gene, a type of neighbours.
    against
        Of a contrast, the class subtracted; None subtracts the mean of all other classes.
    """

    kind: str
    name: str
    against: str | None = None

    def __post_init__(self) -> None:
        """Refuse unknown kinds and empty names."""
        if self.kind not in KINDS:
            raise ModelError(f"There is no target kind {self.kind!r}; there are {', '.join(KINDS)}.")
        if not self.name:
            raise ModelError(f"The target names no {self.kind}: write for example {self.kind}:NAME.")
        if self.against is not None and self.kind != "contrast":
            raise ModelError(f"Only a contrast compares two names; {self.kind}:{self.name} cannot.")

    def __str__(self) -> str:
        r"""Return the text that ``parse_target`` reads back; a slash in a contrast's name becomes ``\/``."""
        if self.kind != "contrast":
            return f"{self.kind}:{self.name}"
        text = f"contrast:{_escape(self.name)}"
        return text if self.against is None else f"{text}/{_escape(self.against)}"

    @property
    def unit(self) -> str:
        """Unit of the score."""
        return "logit" if self.kind in _LOGITS else f"{self.kind} units"

    def to_json(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return {"kind": self.kind, "name": self.name, "against": self.against}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Target:
        """Rebuild what ``to_json`` gave."""
        return cls(values["kind"], values["name"], values.get("against"))


def parse_target(text: str | Target, names: Sequence[str] = ()) -> Target:
    """Read a target as it is written on a command line.

    Parameters
    ----------
    text
        ``class:L5``, ``contrast:a/b``, ``contrast:a`` (against all others), ``latent:3``, ``gene:CD3E``,
        ``domain:2``, ``niche:T cell``, ``velocity:ACTB``.
    names
        Known class names; they settle where a contrast is cut when names hold slashes themselves.

    Raises
    ------
    ModelError
        The text has no kind, an unknown kind or no name.
    """
    if isinstance(text, Target):
        return text
    kind, colon, rest = text.strip().partition(":")
    kind, rest = kind.strip(), rest.strip()
    if not colon:
        raise ModelError(
            f"{text!r} is not a target: write kind:name, for example class:{text.strip() or 'NAME'}."
        )
    if kind != "contrast":
        return Target(kind, rest)
    if rest in names:
        return Target(kind, rest)
    cuts = _cuts(rest)
    known = [cut for cut in cuts if names and cut[0] in names and cut[1] in names]
    name, against = (known or cuts)[0] if cuts else (rest, None)
    if against == "":
        raise ModelError(f"{text!r} names nothing to compare with: write contrast:a/b.")
    return Target(kind, _unescape(name), None if against is None else _unescape(against))


def require_target(target: Target, targets: Sequence[Target], title: str) -> None:
    """Refuse a target that a model does not offer, in one sentence that lists what it does offer."""
    kinds = sorted({known.kind for known in targets})
    if target.kind not in kinds:
        raise NotCompatible(f"{title} has no target of kind {target.kind}; it has {', '.join(kinds)}.")
    names = [known.name for known in targets if known.kind == target.kind]
    for name in (target.name, target.against):
        if name is not None and name not in names:
            shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
            raise NotCompatible(f"{title} has no {target.kind} {name!r}; it has {shown}.")


def _escape(name: str) -> str:
    return name.replace("\\", "\\\\").replace("/", "\\/")


def _unescape(text: str) -> str:
    return "".join(piece[-1] for piece in _PIECE.findall(text))


def _cuts(rest: str) -> list[tuple[str, str]]:
    """Cut at every slash that is not escaped."""
    slashes = [piece.start() for piece in _PIECE.finditer(rest) if piece.group() == "/"]
    return [(rest[:at], rest[at + 1 :]) for at in slashes]
