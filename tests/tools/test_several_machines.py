"""Several machines on the loopback, each with a working directory and files of its own."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from helpers.class_folder import draw_class_folder
from helpers.forked_machines import forked, free_port

ROOT = Path(__file__).parents[2]
CONFIG = f"""
_base_ = '{ROOT}/configs/panet/panet_r18-d8_1xb8-2k_class-folder.py'
model = dict(backbone=dict(base_channels=4, stem_channels=4))
source = dict(data_root='classes', index_dir='index')
train_dataloader = dict(
    batch_size=1, num_workers=0, persistent_workers=False,
    dataset=dict(source=source, base_classes=['disc', 'ring'], fold=['square']))
val_dataloader = None
val_evaluator = None
val_cfg = None
test_dataloader = dict(
    num_workers=0, dataset=dict(source=source, fold=['square'], num_episodes=7, num_runs=1))
train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=4)
default_hooks = dict(
    logger=dict(interval=1), checkpoint=dict(interval=2), visualization=dict(interval=50))
"""
KILLED = """
_base_ = './config.py'
custom_imports = dict(imports=['lose_machine'])
custom_hooks = [dict(type='LoseMachine')]
"""
LOSE_MACHINE = """
import os
import signal
from pathlib import Path

from mmengine.hooks import Hook
from mmengine.registry import HOOKS


@HOOKS.register_module()
class LoseMachine(Hook):
    def after_train_iter(self, runner, *args, **kwargs):
        if runner.iter == 2 and Path.cwd().name == 'node1' and not Path('lost').exists():
            Path('lost').touch()
            os.kill(os.getppid(), signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> Path:
    """Four machines, and a model that the first two trained without a loss, one process each."""
    folder = tmp_path_factory.mktemp('machines')
    for node in range(4):
        home = folder / f'node{node}'
        home.mkdir()
        draw_class_folder(home / 'classes')
        (home / 'config.py').write_text(CONFIG)
        (home / 'killed.py').write_text(KILLED)
    (folder / 'lose_machine.py').write_text(LOSE_MACHINE)
    jobs = [dict(machines=2, processes=1, call='train', config='config.py', work_dir='whole')]
    tested = dict(
        call='test', config='config.py', checkpoint=str(folder / 'node0/whole/iter_4.pth')
    )
    for machines, processes in (1, 1), (1, 4), (2, 2), (4, 1):
        work_dir = f'tested_{machines}x{processes}'
        jobs.append(dict(machines=machines, processes=processes, work_dir=work_dir, **tested))
    jobs.append(dict(machines=2, processes=1, work_dir='slurm', launcher='slurm', **tested))
    _program(folder / 'scontrol', 'echo 127.0.0.1; echo 127.0.0.2')
    forked(folder, *jobs)
    return folder


def _program(path: Path, line: str) -> None:
    path.write_text(f'#!/bin/sh\n{line}\n')
    path.chmod(0o755)


@pytest.fixture
def agent(folder):
    """Starts one machine's call of ``tools/dist_*.sh``; none outlives its test."""
    agents = []

    def start(node: int, port: int, tool: str, *arguments: str, **variables: str):
        environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'MKL_NUM_THREADS': '1'}
        environment |= dict(NNODES='2', NODE_RANK=str(node), MASTER_ADDR='127.0.0.1')
        environment |= dict(PORT=str(port), PYTHON=sys.executable, PYTHONPATH=str(folder))
        command = ['timeout', '500', 'bash', str(ROOT / f'tools/dist_{tool}.sh'), *arguments]
        with (folder / f'{tool}{node}.log').open('a') as log:
            where = dict(cwd=folder / f'node{node}', env={**environment, **variables})
            agents.append(subprocess.Popen(command, **where, stdout=log, stderr=log))
        return agents[-1]

    yield start
    for process in agents:
        process.terminate()
        process.wait(60)


def _wait(folder: Path, agents: list[subprocess.Popen]) -> None:
    codes = [agent.wait(510) for agent in agents]
    logs = '\n'.join(path.read_text()[-3000:] for path in folder.glob('*.log'))
    assert codes == [0] * len(agents), logs


def _figures(folder: Path, work_dir: str) -> dict:
    (path,) = (folder / 'node0' / work_dir).glob('*/*.json')
    return {k: v for k, v in json.loads(path.read_text()).items() if 'time' not in k}


@pytest.mark.slow
def test_machines_times_processes_give_the_same_figures(folder) -> None:
    figures = _figures(folder, 'tested_1x1')
    assert 0 < figures['mIoU'] < 100
    for work_dir in 'tested_1x4', 'tested_2x2', 'tested_4x1', 'slurm':
        assert _figures(folder, work_dir) == figures
    # The index was built once on each machine: its files are another's.
    for node in range(4):
        assert len(list((folder / f'node{node}' / 'index').iterdir())) == 1


@pytest.mark.slow
def test_a_lost_machine_comes_back_and_changes_nothing(folder, agent) -> None:
    port = free_port()
    arguments = ('train', 'killed.py', '1', '--work-dir', 'broken')
    soon = dict(MAX_RESTARTS='1', PET_RDZV_CONF='keep_alive_interval=1,keep_alive_max_attempt=3')
    first, lost = (agent(node, port, *arguments, **soon) for node in range(2))
    assert lost.wait(510) == -signal.SIGKILL, (folder / 'train1.log').read_text()
    assert (folder / 'node1/lost').exists() and first.poll() is None
    _wait(folder, [first, agent(1, port, *arguments, **soon)])
    whole, broken = (
        torch.load(folder / 'node0' / run / 'iter_4.pth', weights_only=False)['state_dict']
        for run in ('whole', 'broken')
    )
    assert whole.keys() == broken.keys()
    assert all(torch.equal(whole[key], broken[key]) for key in whole)
    log = max((folder / 'node0/broken').glob('*/*.log')).read_text()
    assert 'Restarted after a failure' in (folder / 'train0.log').read_text()
    assert 'resumed epoch: 0, iter: 2' in log
    assert 'samples/s' in log and '(1 process, ' in log


@pytest.mark.slow
def test_two_agents_test(folder, agent) -> None:
    port, checkpoint = free_port(), str(folder / 'node0/whole/iter_4.pth')
    arguments = ('test', 'config.py', checkpoint, '1', '--work-dir', 'agents')
    _wait(folder, [agent(node, port, *arguments) for node in range(2)])
    assert _figures(folder, 'agents') == _figures(folder, 'tested_1x1')
    assert 'collected over the network' in (folder / 'test0.log').read_text()


@pytest.mark.parametrize(
    ('tool', 'given', 'passed'),
    [
        ('train', ['c.py'], ['c.py']),
        ('train', ['c.py', 'runs', '--amp'], ['c.py', '--work-dir', 'runs', '--amp']),
        ('train', ['c.py', '--seed', '3'], ['c.py', '--seed', '3']),
        ('test', ['c.py', 'w.pth', '--tta'], ['c.py', 'w.pth', '--tta']),
    ],
)
def test_slurm_scripts_call_srun(tool, given, passed, tmp_path) -> None:
    _program(tmp_path / 'srun', 'for argument; do echo "$argument"; done')
    environment = {**os.environ, 'PATH': f'{tmp_path}:{os.environ["PATH"]}', 'PYTHON': 'python'}
    environment |= dict(GPUS='16', GPUS_PER_NODE='4', SRUN_ARGS='--time=9 --qos=low')
    script = ROOT / f'tools/slurm_{tool}.sh'
    command = ['bash', str(script), 'gpus', 'job one', *given]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    options = ['--partition=gpus', '--job-name=job one', '--gres=gpu:4', '--ntasks=16']
    options += ['--ntasks-per-node=4', '--cpus-per-task=5', '--kill-on-bad-exit=1']
    options += ['--time=9', '--qos=low']
    call = ['python', '-u', str(script.parent / f'{tool}.py'), *passed, '--launcher', 'slurm']
    assert done.stdout.splitlines() == options + call
    short = subprocess.run(command[:4], env=environment, capture_output=True, text=True)
    assert short.returncode == 2 and 'PARTITION JOB_NAME CONFIG' in short.stderr
