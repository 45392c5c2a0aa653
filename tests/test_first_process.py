"""What one process does for all: see also the two processes of `test_pair_index`."""

import pytest

from mmfewshot_seg import first_process as module
from mmfewshot_seg.first_process import by_first_process


class PickyError(ValueError):
    def __init__(self, path, reason) -> None:
        super().__init__(f'{path}: {reason}')


def test_a_single_process_gets_result_and_error() -> None:
    assert by_first_process(lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        by_first_process(lambda: 1 / 0)


def test_an_error_that_cannot_be_sent_keeps_its_message() -> None:
    error = module._sendable(PickyError('a.png', 'broken'))
    assert type(error) is RuntimeError and str(error) == 'PickyError: a.png: broken'
    assert module._sendable(error) is error
