"""The report of tools/check_env.py and its exit status."""

import importlib.util
import sys
from pathlib import Path

import pytest

from mmfewshot_seg import diagnosis
from mmfewshot_seg.diagnosis import DETECTION, FEWSHOT, Environment, Problem

TOOL = Path(__file__).parents[1] / 'tools' / 'check_env.py'
NO_OPS = Problem("mmcv's compiled ops do not load", (DETECTION,), 'make ops')
NO_MMSEG = Problem('mmseg cannot be imported', (FEWSHOT, DETECTION), 'pip install it\nand go on')


@pytest.fixture
def check_env(monkeypatch):
    """Callable: run the tool on an environment with the given problems."""
    spec = importlib.util.spec_from_file_location('check_env_under_test', TOOL)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)

    def run(problems: list[Problem], *args: str) -> int:
        env = Environment('onedl', {'mmcv': '2.3.6'}, {}, ops_error='none')
        monkeypatch.setattr(diagnosis, 'probe', lambda: env)
        monkeypatch.setattr(diagnosis, 'find_problems', lambda env: problems)
        monkeypatch.setattr(sys, 'argv', ['check_env.py', *args])
        return tool.main()

    return run


def test_all_ready(check_env, capsys) -> None:
    assert check_env([], '--require-ops') == 0
    out = capsys.readouterr().out
    assert out.count('ready') == 2
    assert 'PROBLEM' not in out


def test_missing_ops_only_stop_detection(check_env, capsys) -> None:
    assert check_env([NO_OPS]) == 0
    out = capsys.readouterr().out.splitlines()
    assert f'{FEWSHOT:<26} ready' in out
    assert f'{DETECTION:<26} cannot run' in out
    assert '  cure   make ops' in out


def test_missing_ops_fail_where_required(check_env) -> None:
    assert check_env([NO_OPS], '--require-ops') == 1


def test_broken_host_fails_and_shows_every_line_of_the_cure(check_env, capsys) -> None:
    assert check_env([NO_MMSEG]) == 1
    out = capsys.readouterr().out
    assert '  cure   pip install it\n         and go on' in out
    assert out.count('cannot run') == 2
