"""Running the command-line tools from Python, each in a process of its own with a bar."""

import json
import os
import re
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import IO, cast

from mmengine.utils import ProgressBar

from mmfewshot_seg.files.whole_file import write_whole

# A line of MMEngine's LoggerHook. While a test runs it writes its progress nowhere else.
_ITERATION = re.compile(r'Iter\((?:train|test)\)\s*\[\s*(\d+)/')


def run_tool(title: str, arguments: Sequence, log: Path, total: int) -> float:
    """Run one of the tools; its iterations become a bar, its output goes to a file.

    Args:
        title: Printed before the bar.
        arguments: Path of the tool and its arguments.
        log: File for what the tool prints.
        total: Iterations expected.

    Returns:
        Seconds of CPU time that the tool took, on all cores together.

    Raises:
        RuntimeError: If the tool fails; the end of the log is in the message.
    """
    print(f'{title}; log: {log}', flush=True)
    command = [sys.executable, *map(str, arguments)]
    bar, start = ProgressBar(total), _cpu_seconds()
    tail: deque[str] = deque(maxlen=20)
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open('w') as file,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process,
    ):
        for line in cast(IO[str], process.stdout):
            file.write(line)
            tail.append(line)
            match = _ITERATION.search(line)
            if match and int(match[1]) > bar.completed:  # the last line of a test comes twice
                bar.update(int(match[1]) - bar.completed)
    print(flush=True)
    if process.returncode:
        raise RuntimeError(f'{" ".join(command)} failed; the end of {log}:\n{"".join(tail)}')
    return _cpu_seconds() - start


def newest_figures(work_dir: Path) -> dict[str, float]:
    """What the last test in a work dir found."""
    newest = max(work_dir.glob('*/*.json'), key=lambda path: path.stem)  # named after their time
    return json.loads(newest.read_text())


def write_summary(path: Path, **entries) -> None:
    """Write figures as JSON, whole or not at all, with the command that made them."""
    entries = dict(command=f'{sys.executable} {" ".join(sys.argv)}', **entries)
    write_whole(path, json.dumps(entries, indent=2) + '\n')


def _cpu_seconds() -> float:
    times = os.times()
    return times.children_user + times.children_system
