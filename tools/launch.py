"""Start several processes of a tool, as torchrun does: launch.py TOOL PROCESSES [its options].

Of processes that fail, one tells why. Several machines: NNODES, NODE_RANK and MASTER_ADDR in the
environment, the same call on each; PORT chooses the port, by default a free one (29500 of several
machines). With --max-restarts a training goes on by itself, from its newest whole checkpoint, when
a process or a machine was lost and is back.
"""

import argparse
import logging
import os
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.append(str(Path(__file__).resolve().parents[1]))  # a clone need not be installed

from mmfewshot_seg.command import (
    FIRST_ERROR,
    INTERRUPTED,
    STARTED,
    ToolParser,
    UsageError,
    run_tool,
)

MEETING_POINT = ('NNODES', 'NODE_RANK', 'MASTER_ADDR', 'PORT')
WAIT = 600  # seconds that machines wait for each other


def main() -> int:
    parser = ToolParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--max-restarts',
        type=int,
        default=0,
        metavar='N',
        help='how often a training may go on after a failure (default: 0)',
    )
    parser.add_argument('tool', type=Path, metavar='TOOL', help='tools/train.py or tools/test.py')
    parser.add_argument('processes', type=int, metavar='PROCESSES', help='on this machine')
    parser.add_argument('options', nargs=argparse.REMAINDER, help='of the tool')
    args = parser.parse_args()
    if args.processes < 1:
        parser.error(f'PROCESSES must be at least 1, not {args.processes}')
    if args.max_restarts < 0:
        parser.error(f'--max-restarts must be at least 0, not {args.max_restarts}')
    command = [*meeting_point(args.max_restarts), f'--nproc_per_node={args.processes}']
    with TemporaryDirectory() as folder:
        os.environ[FIRST_ERROR] = f'{folder}/first_error'
        if args.max_restarts:
            os.environ[STARTED] = f'{folder}/started'
        return launch([*command, str(args.tool), *args.options, '--launcher', 'pytorch'])


def meeting_point(max_restarts: int = 0) -> list[str]:
    """Options of torchrun that tell where the processes meet, from the environment.

    Raises:
        UsageError: If a variable is no number or, of several machines, missing.
    """
    restarts = [f'--max_restarts={max_restarts}'] if max_restarts else []
    if restarts:
        # The store of the agents still holds the addresses of the processes before a restart.
        os.environ['TORCH_DISABLE_SHARE_RDZV_TCP_STORE'] = '1'
    if not any(name in os.environ for name in MEETING_POINT):
        return ['--standalone', *restarts]
    nodes, node, port = _number('NNODES', 1), _number('NODE_RANK', 0), _number('PORT', 29500)
    missing = [n for n in ('NODE_RANK', 'MASTER_ADDR') if nodes > 1 and not os.environ.get(n)]
    if missing:
        raise UsageError(
            f'NNODES={nodes} needs {" and ".join(missing)}: each machine has a NODE_RANK, from 0, '
            'and MASTER_ADDR is the name or the address of the one with 0'
        )
    if not 0 <= node < nodes:
        raise UsageError(f'NODE_RANK={node} must be between 0 and NNODES - 1, {nodes - 1}')
    address = os.environ.get('MASTER_ADDR') or '127.0.0.1'
    if not restarts:
        place = [f'--master_addr={address}', f'--master_port={port}']
        return [f'--nnodes={nodes}', f'--node_rank={node}', *place]
    # Machines are numbered in the order of their names, so that the names have to say NODE_RANK;
    # the one of the first is also where its processes are found.
    name = address if node == 0 else f'~{node:05}'
    options = f'is_host={int(node == 0)},read_timeout={WAIT},join_timeout={WAIT}'
    more = os.environ.get('PET_RDZV_CONF')
    return [
        f'--nnodes={nodes}',
        *restarts,
        '--rdzv_backend=c10d',
        f'--rdzv_endpoint={address}:{port}',
        '--rdzv_id=training',
        f'--rdzv_conf={options}' + (f',{more}' if more else ''),
        f'--local_addr={name}',
    ]


def _number(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdecimal():
        raise UsageError(f'{name}={text} must be a whole number')
    return int(text)


def launch(arguments: list[str]) -> int:
    """Run torchrun.

    Returns:
        The exit status of the processes.

    Raises:
        UsageError: If a process ended without telling why, or machines did not meet.
    """
    from torch.distributed import DistError
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.elastic.rendezvous.api import RendezvousError
    from torch.distributed.run import main as torchrun

    logging.getLogger('torch.distributed').setLevel(logging.CRITICAL)  # it repeats each failure
    try:
        torchrun(arguments)
    except SignalException as error:
        return INTERRUPTED if error.sigval == signal.SIGINT else 128 + error.sigval
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        if not any(Path(os.environ[FIRST_ERROR]).parent.glob('first_error*')):
            raise UsageError(
                f'process {rank} ended without a word, {_end(failure.exitcode)}'
            ) from None
        return failure.exitcode if failure.exitcode > 0 else 128 - failure.exitcode
    except (DistError, RendezvousError) as error:
        raise UsageError(_not_met(error)) from error
    return 0


def _not_met(error: Exception) -> str:
    nodes, node, address, port = (os.environ.get(name) for name in MEETING_POINT)
    text = ' '.join(str(error).split())[:200]
    if 'EADDRINUSE' in text:
        return f'PORT={port or 29500} is in use on this machine: choose another, on all machines'
    return (
        f'machine {node or 0} of {nodes or 1} did not meet the others, or lost the first one, at '
        f'{address}:{port or 29500}: start the same command on all within {WAIT // 60} minutes, '
        f'with the same MASTER_ADDR and PORT, which no firewall may close ({text})'
    )


def _end(exitcode: int) -> str:
    if exitcode >= 0:
        return f'with status {exitcode}'
    return f'by {signal.Signals(-exitcode).name}; SIGKILL mostly means that the memory was full'


if __name__ == '__main__':
    run_tool(main)
