"""Calls of a function in threads, their results in the order of the items."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar('Item')
Result = TypeVar('Result')


def map_in_order(
    function: Callable[[Item], Result], items: Iterable[Item], num_workers: int = 0
) -> Iterator[Result]:
    """As ``map``, but several items are worked on at a time.

    PyTorch's threads are shared out among the workers. NumPy, OpenCV and PyTorch let go of
    Python's lock while they compute, so threads are enough.

    Args:
        function: Called once for each item.
        items: Taken in turn, by the calling thread, at most one more than there are workers.
        num_workers: Threads. 0: the calling thread does all, item by item.

    Yields:
        The results, in the order of the items. What a call raises is raised in its turn.
    """
    if not num_workers:
        yield from map(function, items)
        return
    threads = torch.get_num_threads()
    # Asked for before any worker sets its own: new threads begin with the number set last.
    share = max(threads // num_workers, 1)
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(num_workers, 'segment', torch.set_num_threads, (share,)) as pool:
        try:
            for item in items:
                pending.append(pool.submit(function, item))
                if len(pending) > num_workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:  # whoever leaves early waits for nothing that has not begun
            for future in pending:
                future.cancel()
            torch.set_num_threads(threads)
