"""Blocks of shell run by bash itself; chosen programs are answered by the test's own process.

In front of ``PATH`` stand programs that hand over their folder, environment and arguments, and
wait for an exit status. Loops, variables, wildcards, redirections and the end at the first failure
are bash's.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

STAND_IN = """#!{python} -SE
import json, os, sys
os.write({requests}, json.dumps([sys.argv, os.getcwd(), dict(os.environ)]).encode() + b'\\n')
sys.exit(int(os.read({replies}, 8)))
"""
LEAVING = 'leave-block'  # called at the end, to tell the environment that the block leaves


@dataclass(frozen=True)
class Call:
    """A program that the shell calls."""

    program: str
    arguments: list[str]
    folder: str
    environment: dict[str, str]


def run_shell(
    script: str,
    folder: Path,
    environment: dict[str, str],
    programs: list[str],
    answer: Callable[[Call], int],
) -> dict[str, str]:
    """Run a script by ``bash -euo pipefail``.

    Args:
        script: The text.
        folder: Where it starts.
        environment: Its variables.
        programs: Names that ``answer`` is asked about instead of a program of the system.
        answer: Gives the exit status of a call.

    Returns:
        The variables that are exported at the end.

    Raises:
        AssertionError: If the script fails.
    """
    requests, requests_end = os.pipe()
    replies, replies_end = os.pipe()
    stand_ins = folder / '.stand_ins'
    stand_ins.mkdir(exist_ok=True)
    for name in [*programs, LEAVING]:
        content = STAND_IN.format(python=sys.executable, requests=requests_end, replies=replies)
        (stand_ins / name).write_text(content)
        (stand_ins / name).chmod(0o755)
    process = subprocess.Popen(
        ['bash', '-euo', 'pipefail', '-c', f'{script}\n{LEAVING}'],
        cwd=folder,
        env={**environment, 'PATH': f'{stand_ins}:{environment["PATH"]}'},
        pass_fds=(requests_end, replies),
    )
    os.close(requests_end)
    os.close(replies)
    left = environment
    with os.fdopen(requests) as lines, os.fdopen(replies_end, 'w') as statuses:
        for line in lines:
            (path, *arguments), cwd, variables = json.loads(line)
            call = Call(Path(path).name, arguments, cwd, {**variables, 'PATH': environment['PATH']})
            if call.program == LEAVING:
                left = call.environment
            status = 0 if call.program == LEAVING else answer(call)
            print(status, file=statuses, flush=True)
    assert process.wait() == 0, f'bash ended with status {process.returncode}:\n{script}'
    return left
