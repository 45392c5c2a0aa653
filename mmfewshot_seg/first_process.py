"""What the first of several processes does for all of them."""

import pickle
from collections.abc import Callable
from typing import TypeVar

from mmengine.dist import broadcast_object_list, get_rank

T = TypeVar('T')


def by_first_process(work: Callable[[], T]) -> T | None:
    """Have the first process do something while the others wait; if it fails, all fail.

    Returns:
        The result in the first process, None in the others.

    Raises:
        BaseException: What ``work`` raised, in every process; a RuntimeError with its type and
            message in the others, if it cannot be sent.
    """
    if get_rank() > 0:
        outcome = [None]
        broadcast_object_list(outcome)
        if outcome[0] is not None:
            raise outcome[0]
        return None
    try:
        result = work()
    except BaseException as error:
        broadcast_object_list([_sendable(error)])
        raise
    broadcast_object_list([None])
    return result


def _sendable(error: BaseException) -> BaseException:
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # whatever the class of the error makes of it
        return RuntimeError(f'{type(error).__name__}: {error}')
    return error
