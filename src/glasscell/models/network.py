"""People's own networks by name: registered here, announced by a package, or named on the command line.

A bundle holds the name and the weights, never the way to the code; so a bundle of one's own network opens
only where somebody has said which code the name stands for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from glasscell.errors import ModelError, NotCompatible

if TYPE_CHECKING:
    from torch import nn

GROUP = "glasscell.networks"
Factory = Callable[[int, int], "nn.Module"]

_REGISTERED: dict[str, Factory] = {}


def register_network(name: str, factory: Factory) -> str:
    """Make a network known in this process.

    Parameters
    ----------
    name
        What bundles call it.
    factory
        ``factory(n_genes, n_classes)`` returns a ``torch.nn.Module`` from ``(n, n_genes)`` to logits
        ``(n, n_classes)``.

    Raises
    ------
    ModelError
        The name is empty or the factory cannot be called.
    """
    if not name.strip() or not callable(factory):
        raise ModelError("A network needs a name and a function of (n_genes, n_classes) that makes it.")
    _REGISTERED[name] = factory
    return name


def network_names() -> tuple[str, ...]:
    """Return the names known now, those of this process first."""
    announced = [point.name for point in entry_points(group=GROUP)]
    return tuple(dict.fromkeys([*_REGISTERED, *announced]))


def load_network(place: str) -> str:
    """Import a network the user names as ``package.module:factory`` and register it.

    This runs the code of that module, which is looked for where Python looks and in the current folder.

    Returns
    -------
    The name it is known by: what stands after the colon.

    Raises
    ------
    ModelError
        The text is of another form, or there is no such module or function.
    """
    module, mark, name = place.partition(":")
    if not (module and mark and name):
        raise ModelError(f"{place!r} names no network: write package.module:factory.")
    here = str(Path.cwd())
    added = here not in sys.path
    if added:
        sys.path.insert(0, here)
    try:
        factory = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ModelError(f"The network {place} cannot be imported ({error}): check its spelling.") from error
    finally:
        if added:
            sys.path.remove(here)
    return register_network(name, factory)


def make_own_network(name: str, n_genes: int, n_classes: int) -> nn.Module:
    """Make an untrained network by name.

    Raises
    ------
    NotCompatible
        Nobody has said what the name stands for; the sentence says how to.
    ModelError
        The factory failed or made something else.
    """
    from torch import nn

    factory = _REGISTERED.get(name) or _announced(name)
    if factory is None:
        known = ", ".join(network_names()) or "none"
        asked = f"There is no network {name!r}" if name else "No network is named"
        raise NotCompatible(
            f"{asked} (known: {known}): install the package that announces it, register it with "
            "glasscell.models.network.register_network, or name it in the shell with --network "
            "package.module:factory."
        )
    try:
        made: Any = factory(n_genes, n_classes)
    except Exception as error:
        raise ModelError(
            f"The network {name!r} could not be made for {n_genes:,} genes and {n_classes} classes "
            f"({type(error).__name__}: {error}): correct its factory."
        ) from error
    if not isinstance(made, nn.Module):
        raise ModelError(f"The factory of {name!r} returned no torch.nn.Module: let it return the network.")
    return made


def _announced(name: str) -> Factory | None:
    for point in entry_points(group=GROUP):
        if point.name == name:
            return cast("Factory", point.load())
    return None
