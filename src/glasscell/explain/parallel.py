"""Independent pieces of work on all cores, each piece on one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Piece = TypeVar("Piece")
Result = TypeVar("Result")

_switching = threading.Lock()


def map_pieces(work: Callable[[Piece], Result], pieces: Sequence[Piece]) -> list[Result]:
    """Work on pieces side by side and return the results in order.

    Small tensor operations that each wait for every core come to a halt when another job, say training,
    has a core. Here a piece stays on its core from start to end. The first error is raised.
    """
    n_threads = torch.get_num_threads()
    if n_threads == 1 or not pieces:
        return [work(piece) for piece in pieces]
    results: dict[int, Result] = {}
    errors: list[BaseException] = []
    todo = iter(enumerate(pieces))
    next_one = threading.Lock()
    n_workers = min(n_threads, len(pieces))
    ready = threading.Barrier(n_workers + 1)

    def run() -> None:
        torch.set_num_threads(1)
        torch.get_num_threads()  # settles it: a thread takes up the process's number when first asked
        ready.wait()
        while not errors:
            with next_one:
                chosen = next(todo, None)
            if chosen is None:
                return
            try:
                results[chosen[0]] = work(chosen[1])
            except BaseException as error:
                errors.append(error)

    workers = [threading.Thread(target=run, name=f"glasscell-explain-{i}") for i in range(n_workers)]
    with _switching:  # the number is each thread's own, but new threads inherit the last one set
        for worker in workers:
            worker.start()
        ready.wait()
        torch.set_num_threads(n_threads)
    for worker in workers:
        worker.join()
    if errors:
        raise errors[0]
    return [results[place] for place in range(len(pieces))]
