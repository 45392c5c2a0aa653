"""What each machine of a training contributes."""

import os
import socket
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from mmengine.dist import all_gather_object
from mmengine.hooks import Hook, LoggerHook
from mmengine.runner import Runner

from mmfewshot_seg.registry import HOOKS


@HOOKS.register_module()
class ThroughputHook(Hook):
    """Logs how many samples a second each machine trains on, and how long it waits for data.

    A step ends in all processes at once: who waits for data longest makes the others wait, too.
    Follows the interval of ``LoggerHook``; trainings of several processes have this hook.
    """

    priority = 'LOW'  # behind IterTimerHook, whose times it reads

    def __init__(self) -> None:
        self.samples: list[int] = []

    def before_train(self, runner: Runner) -> None:
        """Finds the interval."""
        loggers = [hook.interval for hook in runner.hooks if isinstance(hook, LoggerHook)]
        self.interval = loggers[0] if loggers else 50

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | Sequence | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Counts the samples; ``data_batch`` as the data loader gives it."""
        if not isinstance(data_batch, dict) or 'data_samples' not in data_batch:
            return  # of a data set that is neither host's
        self.samples.append(len(data_batch['data_samples']))
        if not self.every_n_train_iters(runner, self.interval):
            return
        step, waiting = (
            runner.message_hub.get_scalar(f'train/{name}').mean(len(self.samples))
            for name in ('time', 'data_time')
        )
        mine = (machine(), float(np.mean(self.samples)) / step, waiting / step)
        self.samples.clear()
        runner.logger.info(report(all_gather_object(mine)))


def machine() -> tuple[int, str]:
    """Number and name of the machine that this process runs on."""
    number = os.environ.get('GROUP_RANK', os.environ.get('SLURM_NODEID', '0'))
    return int(number), socket.gethostname()


def report(processes: Sequence[tuple[tuple[int, str], float, float]]) -> str:
    """One line on all machines.

    Args:
        processes: Machine, samples a second and share of the time waiting for data, of each.

    Example:
        >>> report([((0, 'a'), 3.0, 0.1), ((0, 'a'), 3.0, 0.25)])
        '6.0 samples/s: 6.0 by a (2 processes, 25% waiting for data)'
    """
    machines = defaultdict(list)
    for name, samples, waiting in processes:
        machines[name].append((samples, waiting))
    parts = []
    for (_, name), values in sorted(machines.items()):
        samples, waiting = zip(*values, strict=True)
        count = f'{len(values)} process{"es" if len(values) > 1 else ""}'
        parts.append(f'{sum(samples):.1f} by {name} ({count}, {max(waiting):.0%} waiting for data)')
    total = sum(samples for _, samples, _ in processes)
    return f'{total:.1f} samples/s: {", ".join(parts)}'
