"""What one of several processes does for the others."""

import os
import pickle
from collections.abc import Callable
from datetime import timedelta

from mmengine.dist import barrier, get_world_size
from torch import distributed

PATIENCE = timedelta(days=2)


def while_others_wait(work: Callable[[], object], is_mine: bool) -> None:
    """Have some processes do something while the others wait, however long; if one fails, all fail.

    Who waits learns at once that a process has died: its connection is closed.

    Args:
        work: What is to be done.
        is_mine: Whether this process does it.

    Raises:
        BaseException: What ``work`` raised, in every process; a RuntimeError with its type and
            message in the others, if it cannot be sent.
    """
    if get_world_size() == 1:
        work()
        return
    barrier()  # all are there: what follows has no limit of time
    # The default group gives up after minutes, and NCCL would keep the GPU busy.
    group = distributed.new_group(backend='gloo', timeout=PATIENCE)
    own = None
    if is_mine:
        try:
            work()
        except BaseException as error:
            own = error
    errors: list = [None] * get_world_size()
    distributed.all_gather_object(errors, own and _sendable(own), group)
    distributed.destroy_process_group(group)
    if own is not None:
        raise own
    for error in filter(None, errors):
        raise error


def is_first_of_machine() -> bool:
    """Whether this is the first process on its machine; a launcher that does not say: yes."""
    return os.environ.get('LOCAL_RANK', '0') == '0'


def _sendable(error: BaseException) -> BaseException:
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # whatever the class of the error makes of it
        return RuntimeError(f'{type(error).__name__}: {error}')
    return error
