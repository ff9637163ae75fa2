"""Who shows a session: the last front end that leaves closes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glasscell.session.core import Core


class Users:
    """Counts the front ends of a session; whoever made it is the first.

    Parameters
    ----------
    session
        What is closed when nobody is left.
    """

    def __init__(self, session: Core) -> None:
        self._session, self.count = session, 1

    def join(self) -> None:
        """Show the session too."""
        self.count += 1

    def leave(self, timeout_s: float = 10.0) -> None:
        """Show it no more; the last one ends its jobs, waiting at most so long, and lets go of everything."""
        self.count -= 1
        if self.count <= 0 and not self._session.jobs.closed:
            self._session.close(timeout_s)
