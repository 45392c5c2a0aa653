"""Start several processes of a tool, as torchrun does: launch.py TOOL PROCESSES [its options].

Of processes that fail, one tells why. Several machines: NNODES, NODE_RANK and MASTER_ADDR in the
environment, the same call on each; PORT chooses the port, by default a free one (29500 of several
machines).
"""

import argparse
import logging
import os
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.append(str(Path(__file__).resolve().parents[1]))  # a clone need not be installed

from mmfewshot_seg.command import FIRST_ERROR, INTERRUPTED, ToolParser, UsageError, run_tool

MEETING_POINT = ('NNODES', 'NODE_RANK', 'MASTER_ADDR', 'PORT')


def main() -> int:
    parser = ToolParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('tool', type=Path, metavar='TOOL', help='tools/train.py or tools/test.py')
    parser.add_argument('processes', type=int, metavar='PROCESSES', help='on this machine')
    parser.add_argument('options', nargs=argparse.REMAINDER, help='of the tool')
    args = parser.parse_args()
    if args.processes < 1:
        parser.error(f'PROCESSES must be at least 1, not {args.processes}')

    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import main as torchrun

    logging.getLogger('torch.distributed').setLevel(logging.CRITICAL)  # it repeats each failure
    command = [*meeting_point(), f'--nproc_per_node={args.processes}', str(args.tool)]
    with TemporaryDirectory() as folder:
        first = Path(folder) / 'first_error'
        os.environ[FIRST_ERROR] = str(first)
        try:
            torchrun([*command, *args.options, '--launcher', 'pytorch'])
        except SignalException as error:
            return INTERRUPTED if error.sigval == signal.SIGINT else 128 + error.sigval
        except ChildFailedError as error:
            rank, failure = error.get_first_failure()
            if not first.exists():
                raise UsageError(
                    f'process {rank} ended without a word, {_end(failure.exitcode)}'
                ) from None
            return failure.exitcode if failure.exitcode > 0 else 128 - failure.exitcode
    return 0


def meeting_point() -> list[str]:
    """Options of torchrun that tell where the processes meet, from the environment."""
    if not any(name in os.environ for name in MEETING_POINT):
        return ['--standalone']
    nodes, node, address, port = map(os.environ.get, MEETING_POINT)
    return [
        f'--nnodes={nodes or 1}',
        f'--node_rank={node or 0}',
        f'--master_addr={address or "127.0.0.1"}',
        f'--master_port={port or 29500}',
    ]


def _end(exitcode: int) -> str:
    if exitcode >= 0:
        return f'with status {exitcode}'
    return f'by {signal.Signals(-exitcode).name}; SIGKILL mostly means that the memory was full'


if __name__ == '__main__':
    run_tool(main)
