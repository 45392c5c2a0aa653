"""The first minutes with a GPU: its tests, benchmarks and a short training of each wing."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from prettytable import PrettyTable

from mmfewshot_seg.datasets.drawn import draw_dataset
from mmfewshot_seg.studies.tool_runs import write_summary

WINGS = {
    'few-shot': 'configs/panet/panet_r18-d8_1xb8-350_drawn.py',
    'semantic': 'configs/gscnn/gscnn_r18-d8_1xb8-500_drawn.py',
    'instance': 'configs/refinemask/refinemask_r18_fpn_1xb4-1k_drawn.py',
    'zero-shot': 'configs/zsi/zsi_r18_fpn_1xb4-3k_drawn.py',
}
TRAIN_CLASSES = {'few-shot': 'base', 'zero-shot': 'seen'}
"""Which classes the drawn training images show; all for the other wings."""

LIMITS = {'tests': 100, 'benchmarks': 130, 'attention': 50, **dict.fromkeys(WINGS, 45)}
"""Seconds of each step, 460 together."""

IN_BFLOAT16: tuple[str, ...] = (
    'panet_train_step',
    'asgnet_head_1shot',
    'refinemask_train_coco',
    'zsi_mask_head',
)
ATTENTION: tuple[str, ...] = ('position_attention_128', 'position_attention_128_train')


@dataclass(frozen=True)
class Check:
    """What all steps need.

    Attributes:
        root: Folder that holds ``configs``, ``tools`` and ``tests``.
        out: Folder for everything.
        device: ``'cuda'`` or ``'cpu'``.
        tiny: Whether each step does the least that shows that it works.
    """

    root: Path
    out: Path
    device: str
    tiny: bool

    def run(self, step: str, *arguments: object, expected: Sequence[int] = (0,)) -> None:
        """Run a program until the limit of its step; what it prints goes to ``<step>.log``.

        Raises:
            RuntimeError: If it fails or takes longer; the end of the log is in the message.
        """
        log = self.out / f'{step}.log'
        environment = {
            **os.environ,
            'PYTHONPATH': str(self.root),
            'DRAWN_DATA': str(self.data(step)),
        }
        if self.device == 'cpu':
            environment['CUDA_VISIBLE_DEVICES'] = ''
        command = [sys.executable, *map(str, arguments)]
        with log.open('a') as file:
            process = subprocess.Popen(
                command,
                cwd=self.root,
                env=environment,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                code = process.wait(None if self.tiny else LIMITS[step])
            except BaseException as error:  # its own processes, too
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                if isinstance(error, subprocess.TimeoutExpired):
                    raise RuntimeError(f'not done in {LIMITS[step]} s, see {log}') from None
                raise
        if code not in expected:
            told = [x for x in log.read_text().splitlines() if x and 'whole traceback' not in x]
            raise RuntimeError(f'status {code}: {"".join(told[-1:])[:200]} ({log})')

    def data(self, step: str) -> Path:
        """The drawn data of a training."""
        return self.out / 'data' / TRAIN_CLASSES.get(step, 'all')


def gpu_check(
    root: Path, out: Path, device: str = 'cuda', tiny: bool = False, only: Sequence[str] = ()
) -> dict[str, dict]:
    """Run all steps, print a table, write ``figures.json`` after each step.

    A step that fails does not stop the others.

    Args:
        root: Folder that holds ``configs``, ``tools`` and ``tests``.
        out: Folder for everything.
        device: ``'cuda'`` or ``'cpu'``.
        tiny: Whether each step does the least that shows that it works.
        only: Steps, keys of ``LIMITS``; all if none.

    Returns:
        Figures of each step; ``error`` where it failed.

    Raises:
        ValueError: If there is no CUDA device.
    """
    check = Check(root.resolve(), out.resolve(), device, tiny)
    machine = describe_device(device)
    out.mkdir(parents=True, exist_ok=True)
    steps: dict[str, dict] = {}
    start = time.time()
    for step in only or LIMITS:
        print(f'{step} ...', flush=True)
        (check.out / f'{step}.log').unlink(missing_ok=True)
        begin = time.time()
        try:
            steps[step] = STEPS[step](check, step)
        except RuntimeError as error:
            steps[step] = dict(error=str(error))
        steps[step]['seconds'] = round(time.time() - begin, 1)
        write_summary(
            out / 'figures.json', device=machine, seconds=round(time.time() - start), steps=steps
        )
    _print(steps)
    return steps


def describe_device(device: str) -> dict[str, object]:
    """Names and versions that figures depend on.

    Raises:
        ValueError: If there is no CUDA device.
    """
    import torch

    described = dict(torch=torch.__version__, threads=torch.get_num_threads())
    if device == 'cpu':
        return dict(name='cpu', **described)
    if not torch.cuda.is_available():
        raise ValueError('torch sees no CUDA device: DEVICE=cpu DRY_RUN=1 tries the check without')
    properties = torch.cuda.get_device_properties(0)
    return dict(
        name=properties.name,
        memory_mb=properties.total_memory // 2**20,
        cuda=torch.version.cuda,
        **described,
    )


def run_tests(check: Check, step: str) -> dict[str, object]:
    """The tests that need a GPU; how many passed, failed, were skipped."""
    report = check.out / 'tests.xml'
    report.unlink(missing_ok=True)
    where = 'tests/functional/test_shape_edges.py' if check.tiny else 'tests'
    options = ['-m', 'gpu', '-q', '-p', 'no:cacheprovider', f'--junitxml={report}']
    check.run(step, '-m', 'pytest', where, *options, expected=(0, 1))
    suite = next(ElementTree.parse(report).getroot().iter('testsuite')).attrib
    total, skipped = int(suite['tests']), int(suite['skipped'])
    failed = int(suite['failures']) + int(suite['errors'])
    figures: dict[str, object] = dict(
        passed=total - skipped - failed, failed=failed, skipped=skipped
    )
    if failed:
        figures['error'] = f'{failed} tests failed'
    return figures


def run_benchmarks(check: Check, step: str) -> dict[str, object]:
    """Rows of ``benchmark.py`` in bfloat16; of attention, fused on CUDA, in float32 as well."""
    rows: list[dict] = []
    cases = ATTENTION if step == 'attention' else IN_BFLOAT16
    cases = cases[:1] if check.tiny else cases
    for amp in (['--amp'], []) if step == 'attention' else (['--amp'],):
        file = check.out / f'{step}{"" if amp else "_float32"}.json'
        file.unlink(missing_ok=True)
        options = [*amp, '--device', check.device, '--json', file]
        options += ['--tiny', '--repeats', 1] if check.tiny else []
        tool = check.root / 'tools/analysis_tools/benchmark.py'
        try:
            check.run(step, tool, *cases, *options)
        except RuntimeError as error:
            found = json.loads(file.read_text())['rows'] if file.exists() else []
            return dict(rows=[*rows, *found], error=str(error))
        rows += json.loads(file.read_text())['rows']
    return dict(rows=rows)


def train_wing(check: Check, step: str) -> dict[str, object]:
    """A short training on drawn images; on CUDA in mixed precision."""
    size, number, iterations = (64, 12, 2) if check.tiny else (160, 80, 60)
    if step == 'few-shot':
        number = 200  # an episode needs two images of each class
    data = check.data(step)
    objects = dict(max_objects=2) if step == 'zero-shot' else {}
    draw_dataset(data, number, 4, size, train_classes=data.name, **objects)
    if step == 'zero-shot':
        options = [f'--seen={data}/seen.txt', f'--unseen={data}/unseen.txt']
        options += [f'--{s}={data}/annotations/instances_{s}.json' for s in ('train', 'test')]
        check.run(step, check.root / 'tools/prepare_zeroshot_coco.py', *options)
    work_dir = check.out / step
    options = [f'train_cfg.max_iters={iterations}', 'default_hooks.logger.interval=1']
    options += ['default_hooks.checkpoint.interval=1000']
    options += ['train_dataloader.batch_size=2'] if check.tiny else []
    if step == 'few-shot':
        options.append('train_dataloader.dataset.protocol.min_area=1')
    amp = ['--amp'] if check.device == 'cuda' else []
    train = [check.root / 'tools/train.py', check.root / WINGS[step], '--work-dir', work_dir, *amp]
    check.run(step, *train, '--cfg-options', *options)
    newest = max(work_dir.glob('*/vis_data/scalars.json'), key=os.path.getmtime)
    lines = [json.loads(line) for line in newest.read_text().splitlines()]
    losses = [line['loss'] for line in lines if 'loss' in line]
    figures = dict(
        iterations=len(losses),
        first_loss=losses[0],
        last_loss=losses[-1],
        seconds_an_iteration=lines[-1]['time'],
        peak_mb=max((line['memory'] for line in lines if 'memory' in line), default=None),
    )
    if not all(map(math.isfinite, losses)):
        figures['error'] = 'the loss is not finite'
    return figures


STEPS: dict[str, Callable[[Check, str], dict]] = {
    'tests': run_tests,
    'benchmarks': run_benchmarks,
    'attention': run_benchmarks,
    **dict.fromkeys(WINGS, train_wing),
}


def _print(steps: dict[str, dict]) -> None:
    table = PrettyTable(['step', 's', 'figures'], align='l', max_width=80)
    for step, figures in steps.items():
        words = [f'{k} {_short(v)}' for k, v in figures.items() if k not in ('seconds', 'rows')]
        words += [
            f'{row["case"]}: {_short(row["time_s"])} s, peer {_short(row["peer_time_s"])} s, '
            f'{row["peak_mb"]:.0f} MB'
            for row in figures.get('rows', ())
        ]
        table.add_row([step, figures['seconds'], '\n'.join(words)])
    print(table)


def _short(value: object) -> str:
    return f'{value:.3g}' if isinstance(value, float) else str(value)
