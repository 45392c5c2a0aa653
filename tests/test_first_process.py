"""What one process does for all: see also the two processes of `test_pair_index`."""

import subprocess
import sys
from pathlib import Path

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


TWO_PROCESSES = """
import os, signal, socket, sys, time
from datetime import timedelta
from torch import distributed
from mmfewshot_seg.first_process import while_others_wait

signal.alarm(200)
with socket.socket() as probe:
    probe.bind(('127.0.0.1', 0))
    os.environ.update(MASTER_ADDR='127.0.0.1', MASTER_PORT=str(probe.getsockname()[1]))
rank = 0 if os.fork() else 1
distributed.init_process_group('gloo', rank=rank, world_size=2, timeout=timedelta(seconds=2))
while_others_wait(lambda: time.sleep(4), rank == 1)
if rank == 0:
    print('waited', flush=True)
try:
    while_others_wait(lambda: os.kill(os.getpid(), signal.SIGKILL), rank == 1)
except RuntimeError as error:
    print('told', 'onnection closed' in str(error) or 'onnection reset' in str(error), flush=True)
os._exit(0)
"""


@pytest.mark.slow
def test_others_wait_beyond_the_limit_of_the_group_but_not_for_the_dead() -> None:
    run = subprocess.run(
        [sys.executable, '-c', TWO_PROCESSES],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
    )
    assert run.stdout == 'waited\ntold True\n', run.stderr
