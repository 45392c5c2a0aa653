"""The check for machines with a GPU, tried on the CPU."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mmfewshot_seg.studies import gpu_check as module
from mmfewshot_seg.studies.gpu_check import LIMITS, STEPS, Check, gpu_check

ROOT = Path(__file__).parents[2]


def test_all_steps_together_end_in_time() -> None:
    assert set(LIMITS) == set(STEPS) and sum(LIMITS.values()) <= 8 * 60


@pytest.mark.slow
def test_dry_run_on_the_cpu(tmp_path) -> None:
    environment = {**os.environ, 'DEVICE': 'cpu', 'DRY_RUN': '1', 'PYTHON': sys.executable}
    command = [ROOT / 'tools/analysis_tools/gpu_check.sh', 'out']
    command += ['--only', 'tests', 'benchmarks', 'few-shot']
    done = subprocess.run(
        ['bash', *command], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    written = json.loads((tmp_path / 'out/figures.json').read_text())
    steps = written['steps']
    assert written['device']['name'] == 'cpu' and list(steps) == command[3:]
    assert steps['tests']['failed'] == 0 and steps['tests']['skipped'] > 0
    (row,) = steps['benchmarks']['rows']
    assert row['case'] == 'panet_train_step' and 0 < row['amp_difference'] < 0.1
    trained = steps['few-shot']
    assert trained['iterations'] == 2 and trained['seconds_an_iteration'] > 0
    assert 'panet_train_step: ' in done.stdout and 'last_loss' in done.stdout


def test_a_step_that_fails_does_not_stop_the_others(tmp_path, monkeypatch, capsys) -> None:
    def fail(check, step):
        check.run(step, '-c', 'import sys; sys.exit("no memory left")')

    monkeypatch.setitem(STEPS, 'tests', fail)
    monkeypatch.setitem(STEPS, 'attention', lambda check, step: dict(rows=[]))
    steps = gpu_check(ROOT, tmp_path, 'cpu', tiny=True, only=('tests', 'attention'))
    assert steps['tests']['error'].startswith('status 1: no memory left')
    assert 'error' not in steps['attention']
    assert json.loads((tmp_path / 'figures.json').read_text())['steps'] == steps
    assert 'no memory left' in capsys.readouterr().out


def test_a_step_ends_with_all_it_started_when_its_time_is_over(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(LIMITS, 'tests', 2)
    child = 'import subprocess, sys; subprocess.run([sys.executable, "-c", sys.argv[1]])'
    note = f'open({str(tmp_path / "pid")!r}, "w").write(str(os.getpid()))'
    grandchild = f'import os, time; {note}; time.sleep(60)'
    check = Check(ROOT, tmp_path, 'cpu', tiny=False)
    with pytest.raises(RuntimeError, match='not done in 2 s'):
        check.run('tests', '-c', child, grandchild)
    pid = (tmp_path / 'pid').read_text()
    deadline = time.time() + 10
    while Path(f'/proc/{pid}').exists() and time.time() < deadline:
        time.sleep(0.05)
    assert not Path(f'/proc/{pid}').exists()


def test_without_a_gpu_it_says_so(tmp_path, monkeypatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(ValueError, match='DEVICE=cpu DRY_RUN=1'):
        gpu_check(ROOT, tmp_path / 'out')
    assert not (tmp_path / 'out').exists()
    assert module.describe_device('cpu')['name'] == 'cpu'
