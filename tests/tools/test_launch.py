"""Where launched processes meet, and what is told when they fail."""

import importlib
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from mmfewshot_seg.command import FIRST_ERROR, UsageError

TOOLS = Path(__file__).parents[2] / 'tools'
TOOL = """
import os, signal, sys
from mmfewshot_seg.command import UsageError, run_tool

def main():
    if sys.argv[1] == 'killed':
        os.kill(os.getpid(), signal.SIGKILL)
    raise UsageError('this one')

run_tool(main)
"""


@pytest.fixture
def launch(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    module = importlib.import_module('launch')
    for name in module.MEETING_POINT:
        monkeypatch.delenv(name, raising=False)
    return module


def test_the_meeting_point_comes_from_the_environment(launch, monkeypatch) -> None:
    assert launch.meeting_point() == ['--standalone']
    monkeypatch.setenv('PORT', '29511')
    expected = ['--nnodes=1', '--node_rank=0', '--master_addr=127.0.0.1', '--master_port=29511']
    assert launch.meeting_point() == expected
    for name, value in dict(NNODES='2', NODE_RANK='1', MASTER_ADDR='node0').items():
        monkeypatch.setenv(name, value)
    expected = ['--nnodes=2', '--node_rank=1', '--master_addr=node0', '--master_port=29511']
    assert launch.meeting_point() == expected


def test_with_restarts_machines_are_numbered_by_their_names(launch, monkeypatch) -> None:
    monkeypatch.setenv('TORCH_DISABLE_SHARE_RDZV_TCP_STORE', '0')
    assert launch.meeting_point(2) == ['--standalone', '--max_restarts=2']
    assert os.environ['TORCH_DISABLE_SHARE_RDZV_TCP_STORE'] == '1'
    names = []
    for node in range(3):
        for name, value in dict(NNODES='3', NODE_RANK=str(node), MASTER_ADDR='zebra').items():
            monkeypatch.setenv(name, value)
        options = launch.meeting_point(2)
        assert '--rdzv_endpoint=zebra:29500' in options and '--max_restarts=2' in options
        conf = next(option for option in options if option.startswith('--rdzv_conf='))
        assert f'is_host={int(node == 0)},' in conf
        names.append(options[-1].removeprefix('--local_addr='))
    assert names[0] == 'zebra' and names == sorted(names)


@pytest.mark.parametrize(
    ('variables', 'message'),
    [
        (dict(NNODES='2'), 'NNODES=2 needs NODE_RANK and MASTER_ADDR'),
        (dict(NNODES='two'), 'NNODES=two must be a whole number'),
        (dict(NNODES='2', NODE_RANK='2', MASTER_ADDR='a'), 'NODE_RANK=2 must be between 0 and'),
    ],
)
def test_a_meeting_point_that_cannot_be_is_refused(launch, monkeypatch, variables, message) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=message):
        launch.meeting_point()


def test_a_port_in_use_is_told(launch, monkeypatch) -> None:
    with socket.socket() as other:
        other.bind(('127.0.0.1', 0))
        other.listen()
        port = str(other.getsockname()[1])
        monkeypatch.setenv('PORT', port)
        monkeypatch.setenv(FIRST_ERROR, '/dev/null')
        options = [*launch.meeting_point(), '--nproc_per_node=1', 'none.py']
        with pytest.raises(UsageError, match=f'PORT={port} is in use on this machine'):
            launch.launch(options)


@pytest.mark.slow
@pytest.mark.parametrize(
    ('kind', 'message'),
    [('usage', 'tool: this one\n'), ('killed', 'launch: process 0 ended without a word, by SIGKI')],
)
def test_two_processes_give_one_message(kind, message, tmp_path) -> None:
    (tmp_path / 'tool.py').write_text(TOOL)
    done = subprocess.run(
        [sys.executable, TOOLS / 'launch.py', tmp_path / 'tool.py', '2', kind],
        capture_output=True,
        text=True,
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(TOOLS.parent)},
    )
    assert done.returncode == 2
    assert done.stderr.startswith(message) or message.replace('0', '1') in done.stderr
    assert len(done.stderr.splitlines()) == 1
