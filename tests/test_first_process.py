"""What one process does for all: see also the two processes of `test_pair_index`."""

import pytest

from mmfewshot_seg import first_process as module
from mmfewshot_seg.first_process import while_others_wait


class PickyError(ValueError):
    def __init__(self, path, reason) -> None:
        super().__init__(f'{path}: {reason}')


def test_a_single_process_does_it_and_gets_the_error() -> None:
    done = []
    while_others_wait(lambda: done.append(1), is_mine=True)
    assert done == [1]
    with pytest.raises(ZeroDivisionError):
        while_others_wait(lambda: 1 / 0, is_mine=True)


def test_an_error_that_cannot_be_sent_keeps_its_message() -> None:
    error = module._sendable(PickyError('a.png', 'broken'))
    assert type(error) is RuntimeError and str(error) == 'PickyError: a.png: broken'
    assert module._sendable(error) is error
