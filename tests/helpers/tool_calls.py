"""Command-line tools within the process of a test, which has imported what they need."""

import runpy
import sys
from pathlib import Path
from unittest.mock import patch

TOOLS = Path(__file__).parents[2] / 'tools'


def call_tool(name: str, *arguments) -> int:
    """Exit status of ``tools/<name>.py``."""
    argv = [name, *map(str, arguments)]
    with patch.object(sys, 'argv', argv):
        try:
            runpy.run_path(str(TOOLS / f'{name}.py'), run_name='__main__')
        except SystemExit as stop:
            return stop.code or 0
    return 0
