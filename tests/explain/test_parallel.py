"""Pieces on all cores: in order, errors passed on, and the process's number of threads left alone."""

from __future__ import annotations

import threading

import pytest
import torch

from glasscell.explain.parallel import map_pieces


@pytest.fixture(params=[1, 3])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def threads_of_a_new_thread():
    found = []
    worker = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    worker.start()
    worker.join()
    return found[0]


def test_results_keep_their_order(threads):
    assert map_pieces(lambda piece: piece * 2, list(range(20))) == list(range(0, 40, 2))
    assert map_pieces(str, [0]) == ["0"]
    assert map_pieces(str, []) == []
    assert torch.get_num_threads() == threads
    assert threads_of_a_new_thread() == threads


def test_each_piece_stays_on_one_core(threads):
    assert set(map_pieces(lambda _: torch.get_num_threads(), [1, 2, 3, 4])) == {1}


def test_an_error_is_passed_on_and_leaves_no_thread(threads):
    def work(piece):
        if piece == 2:
            raise ValueError("piece 2 is bad")
        return piece

    with pytest.raises(ValueError, match="piece 2 is bad"):
        map_pieces(work, [0, 1, 2, 3, 4])
    assert not [worker for worker in threading.enumerate() if worker.name.startswith("glasscell-explain")]
    assert torch.get_num_threads() == threads
