from types import SimpleNamespace

import pytest
from mmengine.hooks import LoggerHook
from mmengine.logging import MessageHub

from mmfewshot_seg.engine import throughput_hook as module
from mmfewshot_seg.engine.throughput_hook import ThroughputHook, report


def test_machines_are_told_in_their_order() -> None:
    processes = [((1, 'b'), 1.5, 0.25), ((0, 'z'), 2.0, 0.0), ((1, 'b'), 1.5, 0.5)]
    assert report(processes) == (
        '5.0 samples/s: 2.0 by z (1 process, 0% waiting for data), '
        '3.0 by b (2 processes, 50% waiting for data)'
    )


@pytest.fixture
def runner():
    lines = []
    return SimpleNamespace(
        iter=0,
        hooks=[LoggerHook(interval=2)],
        message_hub=MessageHub('throughput'),
        logger=SimpleNamespace(info=lines.append),
        lines=lines,
    )


def test_samples_and_waiting_of_the_steps_since_the_last_line(runner, monkeypatch) -> None:
    monkeypatch.setenv('GROUP_RANK', '1')
    hook = ThroughputHook()
    hook.before_train(runner)
    steps = [(9.0, 9.0, 9), (9.0, 9.0, 9), (2.0, 1.0, 4), (1.0, 0.5, 2)]  # s, s for data, samples
    for runner.iter, (step, data, samples) in enumerate(steps):
        runner.message_hub.update_scalar('train/time', step)
        runner.message_hub.update_scalar('train/data_time', data)
        hook.after_train_iter(runner, runner.iter, dict(data_samples=[None] * samples))
    # 6 samples in 3 s, 1.5 s of which went by without data
    assert len(runner.lines) == 2
    assert runner.lines[1].startswith('2.0 samples/s: 2.0 by ')
    assert runner.lines[1].endswith(' (1 process, 50% waiting for data)')
    assert module.machine()[0] == 1


def test_batches_of_other_kinds_are_not_counted(runner) -> None:
    hook = ThroughputHook()
    hook.before_train(runner)
    for runner.iter in range(2):
        hook.after_train_iter(runner, runner.iter, [1, 2])
    assert runner.lines == []
