"""Threads: order, errors in their turn, how far they look ahead, PyTorch's own threads."""

import threading
import time

import pytest
import torch

from mmfewshot_seg.apis.ordered_map import map_in_order


@pytest.mark.parametrize('num_workers', [0, 1, 3])
def test_results_are_in_the_order_of_the_items(num_workers) -> None:
    def slow_at_first(number: int) -> int:
        time.sleep(0.02 if number == 0 else 0)
        return number * number

    found = list(map_in_order(slow_at_first, range(7), num_workers))
    assert found == [0, 1, 4, 9, 16, 25, 36]


@pytest.mark.parametrize('num_workers', [0, 2])
def test_errors_are_raised_in_their_turn(num_workers) -> None:
    found = []
    with pytest.raises(ZeroDivisionError):
        for share in map_in_order(lambda number: 6 / number, [1, 2, 0, 3], num_workers):
            found.append(share)
    assert found == [6, 3]


def test_items_are_taken_a_few_at_a_time_by_the_caller() -> None:
    taken, takers = [], set()

    def items():
        for number in range(20):
            taken.append(number)
            takers.add(threading.get_ident())
            yield number

    results = map_in_order(str, items(), 2)
    assert next(results) == '0' and len(taken) == 3
    assert next(results) == '1' and len(taken) == 4
    results.close()
    assert len(taken) == 4 and takers == {threading.get_ident()}


def test_threads_of_pytorch_are_shared_out_and_given_back() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(6)
    try:
        shares = set(map_in_order(lambda _: torch.get_num_threads(), range(8), 3))
        assert shares == {2}
        assert torch.get_num_threads() == 6
        later = set(map_in_order(lambda _: torch.get_num_threads(), range(3), 1))
        assert later == {6}
    finally:
        torch.set_num_threads(before)
