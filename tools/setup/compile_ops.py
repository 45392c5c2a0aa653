"""Replace the pure-Python mmcv of this environment by one with compiled ops, showing progress.

Does nothing where the ops already work. ``pip`` keeps the wheel, so another clone gets it in
seconds; a kept wheel that does not fit (made without ops, or for another torch) is thrown away.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT))  # a clone need not be installed

from mmfewshot_seg.command import ToolParser, run_tool

GIB_PER_JOB = 2  # memory of one compiler process on torch's headers, with room to spare
NINJA_LINE = re.compile(r'^\s*\[(\d+)/(\d+)\] ')


def ops_work() -> bool:
    """Whether a fresh interpreter loads mmcv's ops and one of them gives the right result."""
    code = 'from mmfewshot_seg.diagnosis import run_op; run_op("cpu")'
    return subprocess.run([sys.executable, '-c', code], capture_output=True).returncode == 0


def num_jobs() -> int:
    """Compiler processes at a time: one per core, as far as memory goes."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    try:
        memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
    except (AttributeError, ValueError, OSError):
        return cores
    return max(1, min(cores, int(memory / 2**30 / GIB_PER_JOB)))


def progress_text(done: int, total: int, seconds: float) -> str:
    left = seconds / done * (total - done)
    return (
        f'compiling mmcv: [{done:>2}/{total}] {seconds / 60:.0f} min gone, '
        f'about {left / 60:.0f} min left'
    )


def run_with_progress(command: list[str], log: Path) -> int:
    """Run ``command`` into ``log``; report its ninja lines, on a terminal on one line.

    Returns:
        Its exit status.
    """
    terminal = sys.stdout.isatty()
    environment = {'MAX_JOBS': str(num_jobs()), **os.environ}
    start = None
    with (
        log.open('w', encoding='utf-8') as sink,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors='replace',
            env=environment,
            cwd=ROOT,
        ) as process,
    ):
        for line in process.stdout:
            sink.write(line)
            match = NINJA_LINE.match(line)
            if not match:
                continue
            start = start or time.monotonic()
            done, total = map(int, match.groups())
            text = progress_text(done, total, time.monotonic() - start)
            if terminal:
                print(f'\r\033[K{text}', end='\n' if done == total else '', flush=True)
            elif done % 5 == 0 or done in (1, total):
                print(text, flush=True)
    if terminal and start and process.returncode:
        print()
    return process.returncode


def report_failure(log: Path) -> None:
    lines = log.read_text(encoding='utf-8', errors='replace').splitlines()
    hits = [line for line in lines if re.search(r'\berror\b|Killed|No space left', line, re.I)]
    print('\n'.join(line[:300] for line in hits[:10] or lines[-10:]))
    print(f'The whole output: {log}')
    if any('Killed' in line for line in hits):
        print('The compiler ran out of memory: try again with MAX_JOBS=1 in the environment.')


def main() -> int:
    ToolParser(description=__doc__).parse_args()
    if ops_work():
        return 0

    from mmfewshot_seg.compat import requirement

    log = Path(sys.prefix) / 'mmcv_build.log'
    pinned = requirement('mmcv')
    install = [sys.executable, '-m', 'pip', 'install', '-v', '--no-build-isolation', '--no-deps']
    install += ['--force-reinstall', pinned]
    print(
        f'mmcv with compiled ops is made once per machine, {num_jobs()} files at a time: 6 to 38 '
        'minutes on two cores.\nWhere pip has kept it from an earlier time: seconds.',
        flush=True,
    )
    for attempt in (1, 2):
        if run_with_progress(install, log):
            report_failure(log)
            return 1
        if ops_work():
            return 0
        if attempt == 1:
            print('The wheel that pip had kept does not fit; compiling it again.', flush=True)
            wheels = pinned.partition('==')[0].replace('-', '_')
            forget = [sys.executable, '-m', 'pip', 'cache', 'remove', wheels]
            subprocess.run(forget, capture_output=True)
    print(f'mmcv was installed, but its ops do not load. The whole output: {log}')
    return 1


if __name__ == '__main__':
    run_tool(main)
