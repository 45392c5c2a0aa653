"""Time and peak memory of a case, each in a process of its own."""

import os
import platform
import re
import subprocess
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from . import CASES

ROOT = Path(__file__).resolve().parents[3]
MEGABYTE = 2**20
CLOCKS = dict(wall=time.perf_counter, cpu=time.process_time)


def environment(device: str) -> dict[str, object]:
    """What measures, without names of hosts and folders; None where that is not known.

    Args:
        device: ``'cpu'`` or ``'cuda'``.

    Returns:
        ``machine`` (model of the CPU or GPU), ``cores`` that this process may use, ``load`` (mean
        number of jobs in the minute before), ``device``, ``threads`` and version of ``torch``,
        ``commit`` of the clone (``-dirty``: with changes), ``date``.

    Raises:
        ValueError: If ``device`` cannot be measured here.
    """
    import torch

    if device == 'cuda':
        if not torch.cuda.is_available():
            raise ValueError('--device cuda, but torch sees no CUDA device: use --device cpu')
        machine = torch.cuda.get_device_name()
    elif Path('/proc/self/clear_refs').exists():
        models = re.findall(r'^model name\s*: (.+)', Path('/proc/cpuinfo').read_text(), re.M)
        machine = models[0] if models else platform.machine()
    else:
        raise ValueError('--device cpu reads peak memory from /proc, which only Linux has')
    return dict(
        machine=machine,
        cores=len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count(),
        load=round(os.getloadavg()[0], 1) if hasattr(os, 'getloadavg') else None,
        device=device,
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        commit=_commit(ROOT),
        date=date.today().isoformat(),
    )


def _commit(clone: Path) -> str | None:
    if not (clone / '.git').exists():
        return None
    command = ['git', '-C', clone, 'describe', '--always', '--dirty', '--exclude=*']
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip() or None
    except FileNotFoundError:  # git is not installed
        return None


def measure(
    name: str,
    device: str,
    repeats: int,
    tiny: bool,
    report: Callable,
    clock: str = 'wall',
    amp: bool = False,
) -> dict:
    """Measure one case.

    Args:
        name: Key of ``CASES``.
        device: ``'cpu'`` or ``'cuda'``.
        repeats: How often each side is timed.
        tiny: Whether inputs are tiny.
        report: Called with a word on what is measured next.
        clock: ``'wall'``, or ``'cpu'`` for CPU seconds of all threads together.
        amp: Whether to compute in bfloat16 where autocast does.

    Returns:
        Row of the result: seconds (medians), MB of 2**20 bytes above the baseline before the
        call, and ratios ours / peer. Cases of a head also have ``backbone_time_s`` and
        ``head_share``, our time as a fraction of the backbone's; with ``amp`` also
        ``amp_difference``, see :func:`amp_difference`.

    Raises:
        RuntimeError: If a measuring process dies.
    """
    case = CASES[name]
    report(f'{name}: time')
    seconds = in_own_process(times, name, device, repeats, tiny, clock, amp)
    peaks = {}
    for side in ('ours', 'peer'):
        report(f'{name}: peak memory of {side}')
        peaks[side] = in_own_process(peak, name, side, device, tiny, amp)
    row = dict(
        case=name,
        peer=case.peer,
        time_s=seconds['ours'],
        peer_time_s=seconds['peer'],
        time_ratio=seconds['ours'] / seconds['peer'],
        peak_mb=peaks['ours'],
        peer_peak_mb=peaks['peer'],
        peak_ratio=peaks['ours'] / peaks['peer'] if peaks['peer'] else None,
    )
    if case.has_backbone:
        row['backbone_time_s'] = seconds['backbone']
        row['head_share'] = seconds['ours'] / seconds['backbone']
    if amp:
        report(f'{name}: difference to float32')
        row['amp_difference'] = in_own_process(amp_difference, name, device, tiny)
    return row


def times(
    name: str, device: str, repeats: int, tiny: bool, clock: str = 'wall', amp: bool = False
) -> dict[str, float]:
    """Median seconds of each side of a case; the sides take turns."""
    case = CASES[name]
    calls = {side: case.build(side, device, tiny, amp) for side in case.sides}
    seconds = {side: [] for side in calls}
    for _ in range(1 + repeats):
        for side, call in calls.items():
            seconds[side].append(_timed(call, device, CLOCKS[clock]))
    return {side: median(values[1:]) for side, values in seconds.items()}  # the first warms up


def peak(name: str, side: str, device: str, tiny: bool, amp: bool = False) -> float:
    """Peak memory of one call, in MB above the baseline before it.

    A tiny call goes before, so that neither loaded libraries nor thread pools are counted.
    """
    CASES[name].build(side, device, tiny=True, amp=amp)()
    call = CASES[name].build(side, device, tiny, amp)
    high_water = _cuda_high_water if device == 'cuda' else _resident_high_water
    baseline = high_water(reset=True)
    call()
    return max(0, high_water(reset=False) - baseline) / MEGABYTE


def amp_difference(name: str, device: str, tiny: bool) -> float | None:
    """Largest difference of our results in bfloat16 and in float32, as a part of the largest.

    Of each tensor that a call returns; the largest of all counts, whole numbers do not.

    Returns:
        The part; None if a call returns no fractions.

    Raises:
        ValueError: If a result is not finite.
    """
    found, exact = (
        _floats(CASES[name].build('ours', device, tiny, amp)()) for amp in (True, False)
    )
    parts = []
    for ours, expected in zip(found, exact, strict=True):
        if not ours.isfinite().all():
            raise ValueError(f'{name}: a result in bfloat16 is not finite')
        scale = expected.abs().max().clamp(min=1e-12)
        parts.append(float((ours - expected).abs().max() / scale))
    return max(parts, default=None)


def _floats(result: object) -> list:
    """Tensors of fractions in nested containers, as float32."""
    from torch.utils._pytree import tree_leaves

    leaves = [leaf for leaf in tree_leaves(result) if getattr(leaf, 'is_floating_point', None)]
    return [leaf.float() for leaf in leaves if leaf.is_floating_point() and leaf.numel()]


def in_own_process(function: Callable, *args) -> object:
    """Result of ``function(*args)`` in a fresh process."""
    context = get_context('spawn')
    with ProcessPoolExecutor(1, mp_context=context, initializer=_prepare_process) as pool:
        try:
            return pool.submit(function, *args).result()
        except BrokenProcessPool as error:
            raise RuntimeError(
                f'the process of {function.__name__}{args} died, most likely because memory ran out'
            ) from error


def _prepare_process() -> None:
    """Before torch is imported.

    Threads that wait must sleep: on a busy machine a thread that spins keeps the core from the
    one it waits for, and each small operation then lasts a time slice of the scheduler (the PANet
    head: 110 ms instead of 3). What libraries print at import is dropped.
    """
    os.environ.setdefault('OMP_WAIT_POLICY', 'passive')
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    warnings.simplefilter('ignore')


def _timed(call: Callable, device: str, clock: Callable[[], float]) -> float:
    _synchronize(device)
    start = clock()
    call()
    _synchronize(device)
    return clock() - start


def _synchronize(device: str) -> None:
    if device == 'cuda':
        import torch

        torch.cuda.synchronize()


def _cuda_high_water(reset: bool) -> int:
    """Largest number of bytes in tensors since the last reset."""
    import torch

    torch.cuda.synchronize()
    if reset:
        torch.cuda.reset_peak_memory_stats()
    return torch.cuda.max_memory_allocated()


def _resident_high_water(reset: bool) -> int:
    """Largest resident memory of this process since the last reset, in bytes."""
    if reset:
        Path('/proc/self/clear_refs').write_text('5')  # resets VmHWM to VmRSS, see man 5 proc
    status = Path('/proc/self/status').read_text()
    return int(re.search(r'^VmHWM:\s+(\d+) kB$', status, re.MULTILINE)[1]) * 1024
