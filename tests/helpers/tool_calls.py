"""Command-line tools, within the process of a test or in one of their own."""

import importlib.util
import os
import runpy
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest

TOOLS = Path(__file__).parents[2] / 'tools'
needs_ops = pytest.mark.skipif(
    importlib.util.find_spec('mmcv._ext') is None, reason='mmcv has no compiled ops: make test'
)


def call_tool(name: str, *arguments) -> int:
    """Exit status of ``tools/<name>.py``, called in this process, which has imported much."""
    argv = [name, *map(str, arguments)]
    with patch.object(sys, 'argv', argv):
        try:
            runpy.run_path(str(TOOLS / f'{name}.py'), run_name='__main__')
        except SystemExit as stop:
            return stop.code or 0
    return 0


def start_tool(
    folder: Path, *command: str | Path, code: int = 0, **environment: str
) -> subprocess.CompletedProcess:
    """A tool in a process of its own, as users start it.

    Args:
        folder: Where it starts.
        command: The tool below ``tools/``, a shell script too, and its arguments.
        code: The exit status that it must have.
        environment: Variables besides those of the test.
    """
    tool = TOOLS / command[0]
    program = 'bash' if tool.suffix == '.sh' else sys.executable
    result = subprocess.run(
        [program, tool, *command[1:]],
        cwd=folder,
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHON': sys.executable, **environment},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert result.returncode == code, result.stdout[-2000:] + result.stderr[-5000:]
    return result


def keep_dumps_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs and dumps of configs without their line breaks, which take seconds."""
    monkeypatch.setattr('yapf.yapflib.yapf_api.FormatCode', lambda text, **style: (text, True))
