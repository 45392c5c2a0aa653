"""Which checkpoint is resumed from, when the last one is cut off, missing or unknown."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mmfewshot_seg.apis import resume as module
from mmfewshot_seg.apis.resume import newest_whole_checkpoint, resume_after_restart
from mmfewshot_seg.command import STARTED, UsageError


@pytest.fixture
def logged(monkeypatch) -> list[str]:
    messages = []
    monkeypatch.setattr(module, 'print_log', lambda message, **_: messages.append(message))
    return messages


@pytest.fixture
def work_dir(tmp_path):
    """Whole ones of iterations 2, 9 and 10, of which 10 is the last."""
    for name in ('iter_2', 'iter_9', 'iter_10', 'best_mIoU_iter_11', 'iter_12-0a1b2c3d'):
        torch.save({}, tmp_path / f'{name}.pth')
    _point_to(tmp_path, tmp_path / 'iter_10.pth')
    return tmp_path


def _point_to(work_dir, path) -> None:
    (work_dir / 'last_checkpoint').write_text(str(path))


def _cut(path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def test_the_last_one_if_it_is_whole(work_dir, logged) -> None:
    torch.save({}, work_dir / 'iter_13.pth')  # written, but not yet noted
    assert newest_whole_checkpoint(work_dir) == str(work_dir / 'iter_10.pth')
    assert logged == []


def test_the_newest_of_the_others_if_it_is_cut_off(work_dir, logged) -> None:
    _cut(work_dir / 'iter_10.pth')
    assert newest_whole_checkpoint(work_dir) == str(work_dir / 'iter_9.pth')
    (message,) = logged
    assert f'{work_dir}/iter_10.pth: cut off or missing; resuming from {work_dir}/iter_9' in message


def test_a_note_that_is_empty_or_of_a_folder_that_was_moved(work_dir, logged) -> None:
    for text in ('', '/moved/away/iter_10.pth'):
        _point_to(work_dir, text)
        assert newest_whole_checkpoint(work_dir) == str(work_dir / 'iter_10.pth')
    assert len(logged) == 1 and '/moved/away/iter_10.pth: cut off or missing' in logged[0]


def test_a_folder_of_another_name_holds_the_checkpoints(work_dir, tmp_path, logged) -> None:
    other = tmp_path / 'run'
    other.mkdir()
    _point_to(other, work_dir / 'iter_10.pth')
    _cut(work_dir / 'iter_10.pth')
    assert newest_whole_checkpoint(other) == str(work_dir / 'iter_9.pth')


def test_nothing_to_resume_from(tmp_path, logged) -> None:
    assert newest_whole_checkpoint(tmp_path) is None
    assert newest_whole_checkpoint(tmp_path / 'none') is None
    assert logged == []
    torch.save({}, tmp_path / 'epoch_1.pth')
    _cut(tmp_path / 'epoch_1.pth')
    _point_to(tmp_path, tmp_path / 'epoch_1.pth')
    with pytest.raises(UsageError, match='epoch_1.pth does not exist or is cut off.* no other'):
        newest_whole_checkpoint(tmp_path)


def test_without_restarts_the_command_line_counts(work_dir, monkeypatch) -> None:
    monkeypatch.delenv(STARTED, raising=False)
    for resume in (None, 'auto', 'a.pth'):
        assert resume_after_restart(resume, work_dir) == resume


def test_the_first_process_continues_when_it_starts_again(tmp_path, monkeypatch, logged) -> None:
    monkeypatch.setenv(STARTED, str(tmp_path / 'started'))
    monkeypatch.setenv('RANK', '0')
    assert resume_after_restart(None, tmp_path) is None and logged == []
    assert resume_after_restart(None, tmp_path) == 'auto'
    assert logged == ['Restarted after a failure']
    monkeypatch.setenv('RANK', '1')  # is told by the first
    assert resume_after_restart('auto', tmp_path) is None


def test_checkpoints_of_another_training_are_refused_where_restarts_are(
    work_dir, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv(STARTED, str(tmp_path / 'started'))
    monkeypatch.setenv('RANK', '0')
    with pytest.raises(UsageError, match='holds the checkpoint iter_10.pth of another training'):
        resume_after_restart(None, work_dir)
    with pytest.raises(UsageError, match='--resume old.pth: with restarts .* without a name'):
        resume_after_restart('old.pth', work_dir)
    assert not (tmp_path / 'started').exists()
    assert resume_after_restart('auto', work_dir) == 'auto'


TWO_MACHINES = """
import os, signal, socket, sys
from types import SimpleNamespace
from torch import distributed
from mmfewshot_seg.apis.resume import share_checkpoint

signal.alarm(200)
with socket.socket() as probe:
    probe.bind(('127.0.0.1', 0))
    os.environ.update(MASTER_ADDR='127.0.0.1', MASTER_PORT=str(probe.getsockname()[1]))
child = os.fork()
rank = 0 if child else 1
os.chdir(f'{sys.argv[1]}/node{rank}')
distributed.init_process_group('gloo', rank=rank, world_size=2)
for name in 'run/iter_2.pth', None:
    runner = SimpleNamespace(_resume=rank == 0 and bool(name), _load_from=name if rank == 0 else 0)
    share_checkpoint(runner)
    assert (runner._resume, runner._load_from) == (bool(name), name)
if rank == 0:
    sys.exit(os.waitpid(child, 0)[1])
os._exit(0)
"""


@pytest.mark.slow
@pytest.mark.parametrize('old', [None, b'of another training', b'content'])
def test_a_machine_without_the_checkpoint_is_sent_it(tmp_path, old) -> None:
    paths = [tmp_path / f'node{rank}' / 'run/iter_2.pth' for rank in range(2)]
    for path, content in zip(paths, [b'content', old], strict=True):
        path.parents[1].mkdir()
        if content is not None:
            path.parent.mkdir()
            path.write_bytes(content)
    command = [sys.executable, '-c', TWO_MACHINES, str(tmp_path)]
    run = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert [path.read_bytes() for path in paths] == [b'content'] * 2
    assert ('to 1 processes' in run.stdout + run.stderr) == (old != b'content')
