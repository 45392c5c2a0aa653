"""Training and testing of mmdet and mmseg configs alike, through MMEngine's runner."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from mmengine.config import Config
from mmengine.registry import RUNNERS, init_default_scope
from mmengine.runner import Runner
from mmengine.utils import track_iter_progress

from mmfewshot_seg.apis.run_config import (
    UsageError,
    existing,
    load_config,
    set_amp,
    set_launcher,
    set_out,
    set_resume,
    set_seed,
    set_show_dir,
    set_tta,
)
from mmfewshot_seg.evaluation.mask_baselines import mask_baselines
from mmfewshot_seg.registry import DATASETS


def train(
    config: str,
    work_dir: str | None = None,
    amp: bool = False,
    resume: str | None = None,
    seed: int | None = None,
    cfg_options: Sequence[str] = (),
    launcher: str = 'none',
) -> None:
    """Train the model of a config.

    Args:
        config: Config file.
        work_dir: See :func:`load_config`.
        amp: Whether to train in mixed precision.
        resume: ``'auto'``: from the last checkpoint of the work dir; else a checkpoint.
        seed: Of weights and episodes; the config's by default.
        cfg_options: ``key=value`` options.
        launcher: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.

    Raises:
        UsageError: If an argument, the config or its data is wrong.
    """
    cfg = load_config(config, cfg_options, work_dir)
    set_launcher(cfg, launcher)
    if amp:
        set_amp(cfg)
    if resume is not None:
        set_resume(cfg, resume)
    if seed is not None:
        set_seed(cfg, seed, 'train_dataloader')
    _build(cfg, lambda runner: (runner.train_loop, runner.val_loop)).train()


def test(
    config: str,
    checkpoint: str,
    work_dir: str | None = None,
    out: str | None = None,
    show_dir: str | None = None,
    tta: bool = False,
    seed: int | None = None,
    cfg_options: Sequence[str] = (),
    launcher: str = 'none',
) -> dict[str, float]:
    """Test the model of a config.

    Args:
        config: Config file.
        checkpoint: Weights.
        work_dir: See :func:`load_config`.
        out: Pickle file for all predictions.
        show_dir: Folder for pictures.
        tta: Whether to use the config's test-time augmentation.
        seed: Of the episodes; the config's by default.
        cfg_options: ``key=value`` options.
        launcher: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.

    Returns:
        The figures.

    Raises:
        UsageError: If an argument, the config or its data is wrong.
    """
    cfg = load_config(config, cfg_options, work_dir)
    cfg.load_from, cfg.resume = existing(checkpoint), False
    set_launcher(cfg, launcher)
    if out is not None:
        set_out(cfg, out)
    if show_dir is not None:
        set_show_dir(cfg, show_dir)
    if tta:
        set_tta(cfg)
    if seed is not None:
        set_seed(cfg, seed, 'test_dataloader')
    return _build(cfg, lambda runner: runner.test_loop).test()


def baselines(config: str, cfg_options: Sequence[str] = ()) -> dict[str, float]:
    """mIoU of yardsticks without a network, on the test episodes of a few-shot config.

    Args:
        config: Config file.
        cfg_options: ``key=value`` options.

    Returns:
        See :func:`mask_baselines`.

    Raises:
        UsageError: If the config or its data is wrong.
    """
    cfg = load_config(config, cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    with _told_in_a_line():
        dataset = DATASETS.build(cfg.test_dataloader.dataset)
    items = (dataset[i] for i in range(len(dataset)))
    return mask_baselines(track_iter_progress((items, len(dataset)), file=sys.stderr))


def _build(cfg: Config, build_loops: Callable[[Runner], object]) -> Runner:
    """The runner with its data loaders: mistakes in the config come out before any work."""
    with _told_in_a_line():
        runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
        build_loops(runner)
    return runner


@contextmanager
def _told_in_a_line() -> Iterator[None]:
    """Turn what a wrong config raises while things are built into a :class:`UsageError`."""
    try:
        yield
    except (KeyError, TypeError, ValueError, OSError) as error:
        message = error.args[0] if isinstance(error, KeyError) and error.args else error
        raise UsageError(f'{type(error).__name__}: {message}') from error
