"""Trainings killed while they write a checkpoint, and full disks: the last whole one stays."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.hooks import CheckpointHook

from mmfewshot_seg.files.whole_checkpoints import WholeCheckpointHook

# A runner of MMEngine alone; dies while it writes what argv[3] says, at iteration argv[2].
TRAINING = """
import os, signal, sys
import torch
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch.utils.data import DataLoader
from mmfewshot_seg.files.whole_checkpoints import write_whole_checkpoints

work_dir, last, victim = sys.argv[1], int(sys.argv[2]), sys.argv[3]


class Model(BaseModel):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(300, 300)

    def forward(self, inputs, mode='tensor', **kwargs):
        return dict(loss=self.linear(inputs).mean()) if mode == 'loss' else [inputs]


class Metric(BaseMetric):
    figure = 0

    def process(self, *args):
        self.results.append(1)

    def compute_metrics(self, results):
        Metric.figure += 1
        return dict(acc=Metric.figure)


def kill(part, path):
    if str(path) == victim:
        os.truncate(part, 1000)
        os.kill(os.getpid(), signal.SIGKILL)
    replace(part, path)


replace, os.replace = os.replace, kill
write_whole_checkpoints()
data = dict(
    dataset=[dict(inputs=torch.randn(300))] * 8, collate_fn=dict(type='default_collate'),
    sampler=dict(type='DefaultSampler', shuffle=False))
runner = Runner(
    Model(), work_dir, train_dataloader={**data, 'batch_size': 1},
    val_dataloader={**data, 'batch_size': 8}, val_evaluator=dict(type=Metric), val_cfg={},
    train_cfg=dict(type='IterBasedTrainLoop', max_iters=last, val_interval=1),
    optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
    default_hooks=dict(checkpoint=dict(
        type='CheckpointHook', interval=1, by_epoch=False, max_keep_ckpts=1, save_best='acc')))
runner.train()
"""


def _train(work_dir: Path, last: int, victim: str = 'nothing') -> subprocess.CompletedProcess:
    command = [sys.executable, '-c', TRAINING, str(work_dir), str(last), victim]
    return subprocess.run(command, capture_output=True, text=True, timeout=500)


def _checkpoints(work_dir: Path) -> list[str]:
    return sorted(path.name for path in work_dir.glob('*.pth'))


@pytest.mark.slow
def test_one_checkpoint_and_one_best_are_kept(tmp_path) -> None:
    run = _train(tmp_path, 3)
    assert run.returncode == 0, run.stderr
    assert _checkpoints(tmp_path) == ['best_acc_iter_3.pth', 'iter_3.pth']


@pytest.mark.slow
@pytest.mark.parametrize(
    ('victim', 'kept'),
    [
        ('iter_3.pth', ['best_acc_iter_2.pth', 'iter_2.pth']),
        ('best_acc_iter_3.pth', ['best_acc_iter_2.pth', 'iter_3.pth']),
    ],
)
def test_a_kill_while_writing_leaves_the_one_before(tmp_path, victim, kept) -> None:
    run = _train(tmp_path, 4, f'{tmp_path}/{victim}')
    assert run.returncode == -signal.SIGKILL, run.stderr
    assert _checkpoints(tmp_path) == kept
    for name in kept:
        assert 'state_dict' in torch.load(tmp_path / name, weights_only=False)
    left = [name for name in os.listdir(tmp_path) if name.endswith('.part')]
    assert len(left) == 1
    assert _train(tmp_path, 4).returncode == 0  # the next training cleans up
    assert not [name for name in os.listdir(tmp_path) if name.endswith('.part')]


def test_names_of_the_host_that_the_hook_overrides() -> None:
    for name in ('_save_checkpoint_with_step', '_save_best_checkpoint'):
        assert hasattr(CheckpointHook, name), f'MMEngine has no CheckpointHook.{name} any more'
    assert issubclass(WholeCheckpointHook, CheckpointHook)
