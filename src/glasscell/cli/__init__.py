"""The same library from a shell: ``glasscell info | prepare | fit | explain | view | demo``."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run the command line and leave the process with its exit code."""
    from glasscell.cli.app import run

    raise SystemExit(run())
