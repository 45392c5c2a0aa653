"""Set-up scripts: what they refuse at once, and what they show while compiling."""

import importlib
import shutil
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / 'tools' / 'setup'


@pytest.fixture
def preflight(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module('preflight')


@pytest.fixture
def compile_ops(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module('compile_ops')


def test_old_python_is_refused(preflight, monkeypatch) -> None:
    monkeypatch.setattr(sys, 'version_info', (3, 9, 18))
    assert 'Python 3.9' in preflight.check_python('onedl')
    assert 'make PYTHON=' in preflight.check_python('onedl')


@pytest.mark.parametrize(('stack', 'newest'), [('onedl', 13), ('openmmlab', 11)])
def test_untried_python_is_only_noted(preflight, monkeypatch, capsys, stack, newest) -> None:
    monkeypatch.setattr(sys, 'version_info', (3, newest, 9))
    assert preflight.check_python(stack) is None
    assert capsys.readouterr().out == ''
    monkeypatch.setattr(sys, 'version_info', (3, newest + 1, 0))
    assert preflight.check_python(stack) is None
    noted = capsys.readouterr().out
    assert f'not tried with Python 3.{newest + 1}' in noted
    assert f'make PYTHON=python3.{newest} ...' in noted


def test_full_disk_is_refused(preflight, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: type('', (), {'free': 3 * 2**30}))
    complaint = preflight.check_disk(str(tmp_path / '.venv'))
    assert complaint.startswith('3.0 GiB free')
    assert 'make VENV=' in complaint


def test_missing_compiler_is_refused(preflight, monkeypatch) -> None:
    monkeypatch.setenv('CXX', 'no-such-compiler -O2')
    assert 'no-such-compiler -O2 is not on the PATH' in preflight.check_compiler()
    assert '`make demo` works without' in preflight.check_compiler()


def test_progress_of_a_build_without_terminal(compile_ops, tmp_path, capsys) -> None:
    build = 'print("noise")\nfor n in range(1, 13): print(f"  [{n}/12] c++ -MMD", flush=True)'
    log = tmp_path / 'build.log'
    assert compile_ops.run_with_progress([sys.executable, '-c', build], log) == 0
    shown = [line.split(']')[0] for line in capsys.readouterr().out.splitlines()]
    assert shown == [f'compiling mmcv: [{n:>2}/12' for n in (1, 5, 10, 12)]
    assert log.read_text().startswith('noise\n')


def test_time_left(compile_ops) -> None:
    assert compile_ops.progress_text(20, 80, 300.0) == (
        'compiling mmcv: [20/80] 5 min gone, about 15 min left'
    )


def test_failed_build_shows_the_error_lines(compile_ops, tmp_path, capsys) -> None:
    build = 'print("[1/9] c++"); print("nms.cpp:3: fatal error: no header"); raise SystemExit(3)'
    log = tmp_path / 'build.log'
    assert compile_ops.run_with_progress([sys.executable, '-c', build], log) == 3
    compile_ops.report_failure(log)
    out = capsys.readouterr().out
    assert 'nms.cpp:3: fatal error: no header' in out
    assert str(log) in out
