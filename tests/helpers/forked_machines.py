"""Machines of one computer: processes as torchrun or srun would start them, forked from one that
has imported everything. ``python forked_machines.py FOLDER JOBS``: a JSON list of jobs, see `run`.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

LIMIT = 500  # seconds after which every process ends


def forked(folder: Path, *jobs: dict) -> None:
    """Run jobs one after the other; fails with the output of the one that failed."""
    environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'MKL_NUM_THREADS': '1'}
    environment['PATH'] = os.pathsep.join([str(folder), environment['PATH']])
    environment['PYTHONPATH'] = os.pathsep.join([str(Path(__file__).parents[2]), str(folder)])
    command = [sys.executable, __file__, str(folder), json.dumps(jobs)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def run(
    folder: Path, machines: int, processes: int, call: str, launcher: str = 'pytorch', **arguments
) -> None:
    """Call ``mmfewshot_seg.apis.train`` or ``test`` in every process of every machine.

    Args:
        folder: Holds ``node0``, ``node1`` ..., the working directories of the machines.
        machines: Number of machines.
        processes: Of each machine.
        call: ``'train'`` or ``'test'``.
        launcher: Whose variables the processes see, ``'pytorch'`` or ``'slurm'``.
        arguments: Of it.
    """
    world, port, children = machines * processes, free_port(), []
    for rank in range(world):
        node, local = divmod(rank, processes)
        sys.stdout.flush()
        child = os.fork()
        if child:
            children.append(child)
            continue
        signal.alarm(LIMIT)
        if launcher == 'slurm':  # the first machine is named by scontrol
            values = dict(PROCID=rank, NTASKS=world, LOCALID=local, NODEID=node, NODELIST='n[0-9]')
            values = {f'SLURM_{name}': value for name, value in values.items()}
        else:
            values = dict(RANK=rank, WORLD_SIZE=world, LOCAL_RANK=local, GROUP_RANK=node)
            values['MASTER_ADDR'] = '127.0.0.1'
        values['MASTER_PORT'] = port
        os.environ.update({name: str(value) for name, value in values.items()})
        os.chdir(folder / f'node{node}')
        try:
            from mmfewshot_seg import apis

            getattr(apis, call)(**arguments, launcher=launcher)
        except BaseException:
            import traceback

            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        sys.stdout.flush()
        os._exit(0)
    statuses = [os.waitpid(child, 0)[1] for child in children]
    if any(statuses):
        sys.exit(f'{machines} x {processes}, {call}: failed')


if __name__ == '__main__':
    signal.alarm(LIMIT)
    import mmseg.models  # noqa: F401

    import mmfewshot_seg.datasets
    import mmfewshot_seg.models  # noqa: F401

    for job in json.loads(sys.argv[2]):
        run(Path(sys.argv[1]), **job)
