"""Print what is installed, try one compiled op, and name the cure for each known trap.

Exit status: 0 if the few-shot and semantic wings can run (with --require-ops: everything), else 1.
"""

import argparse
import platform
import sys
from importlib import import_module
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # a clone need not be installed

from mmfewshot_seg.command import ToolParser, run_tool


def parse_args() -> argparse.Namespace:
    parser = ToolParser(description=__doc__)
    parser.add_argument(
        '--require-ops', action='store_true', help="fail without mmcv's compiled ops"
    )
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    from mmfewshot_seg import __version__
    from mmfewshot_seg.diagnosis import DETECTION, FEWSHOT, find_problems, probe, try_ops

    env = probe()
    print(f'mmfewshot_seg  {__version__}')
    print(f'python         {platform.python_version()} ({sys.executable})')
    for module, version in env.versions.items():
        if version:
            print(f'{module:<14} {version}')
    print(f'host stack     {env.stack}')
    if 'torch' in env.versions:
        cuda = import_module('torch').cuda
        print(f'cuda           {cuda.get_device_name() if cuda.is_available() else "no device"}')
    problems = [*find_problems(env), *try_ops(env)]
    for problem in problems:
        print(f'\nPROBLEM  {problem.text}')
        print(f'  stops  {" and ".join(problem.stops) or "nothing by itself"}')
        print('  cure   ' + problem.cure.replace('\n', '\n         '))
    print()
    stopped = {wing for problem in problems for wing in problem.stops}
    for wing in (FEWSHOT, DETECTION):
        print(f'{wing:<26} {"cannot run" if wing in stopped else "ready"}')
    return int(FEWSHOT in stopped or (args.require_ops and DETECTION in stopped))


if __name__ == '__main__':
    run_tool(main)
