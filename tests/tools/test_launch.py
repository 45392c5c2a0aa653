"""Where launched processes meet, and what is told when they fail."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

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
