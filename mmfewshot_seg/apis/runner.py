"""Training and testing of mmdet and mmseg configs alike, through MMEngine's runner."""

from collections.abc import Sequence

from mmengine.config import Config
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from mmfewshot_seg.apis.checkpoint_hook import CheckpointHook
from mmfewshot_seg.apis.collecting import collect_through_network
from mmfewshot_seg.apis.config_checks import (
    PARTS_OF_TEST,
    PARTS_OF_TRAINING,
    check_data_paths,
    check_parts,
)
from mmfewshot_seg.apis.data_fit import check_data, inner_model
from mmfewshot_seg.apis.pretrained import PRETRAINED, load_pretrained
from mmfewshot_seg.apis.resume import resume_after_restart, share_checkpoint
from mmfewshot_seg.apis.run_config import (
    existing_checkpoint,
    load_config,
    set_amp,
    set_auto_scale_lr,
    set_launcher,
    set_out,
    set_resume,
    set_seed,
    set_show_dir,
    set_tta,
)
from mmfewshot_seg.checkpoints import checkpoint_gate
from mmfewshot_seg.command import keep_tracebacks
from mmfewshot_seg.files.whole_checkpoints import write_whole_checkpoints


def train(
    config: str,
    work_dir: str | None = None,
    amp: bool = False,
    resume: str | None = None,
    seed: int | None = None,
    cfg_options: Sequence[str] = (),
    launcher: str = 'none',
    trust_checkpoint: bool = False,
    auto_scale_lr: bool = False,
) -> None:
    """Train the model of a config.

    Args:
        config: Config file, or the name of a config of this package.
        work_dir: See :func:`load_config`.
        amp: Whether to train in mixed precision.
        resume: ``'auto'``: from the last checkpoint of the work dir; else a checkpoint.
        seed: Seed of weights and episodes; the config's by default.
        cfg_options: ``key=value`` options.
        launcher: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.
        trust_checkpoint: Whether checkpoints may hold code, and it may run; else they are refused.
        auto_scale_lr: Whether to scale the learning rate by the number of images of a step, also
            where the config does not switch it on.

    Raises:
        UsageError: If an argument or the file of the config is wrong. What its parts raise while
            they are built is left as it is.
        CheckpointError: If a checkpoint cannot be read or does not fit.
    """
    write_whole_checkpoints()
    cfg = load_config(config, cfg_options, work_dir)
    check_parts(cfg, PARTS_OF_TRAINING)
    check_data_paths(cfg, ('train_dataloader', 'val_dataloader'))
    set_launcher(cfg, launcher)
    if amp:
        set_amp(cfg)
    if auto_scale_lr:
        set_auto_scale_lr(cfg)
    resume = resume_after_restart(resume, cfg.work_dir)
    if resume is not None:
        set_resume(cfg, resume)
    if seed is not None:
        set_seed(cfg, seed, 'train_dataloader')
    with checkpoint_gate(trust_checkpoint):
        runner = _build(cfg, train=True)
        share_checkpoint(runner)
        if runner.world_size > 1:
            runner.register_hook(dict(type='mmfewshot_seg.ThroughputHook'))
        runner.train()


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
    trust_checkpoint: bool = False,
) -> dict[str, float]:
    """Test the model of a config.

    Args:
        config: Config file, or the name of a config of this package.
        checkpoint: Weights; ``'pretrained'``: of a model that works without training, those that
            its config names.
        work_dir: See :func:`load_config`.
        out: Pickle file for all predictions.
        show_dir: Folder for pictures.
        tta: Whether to use the config's test-time augmentation.
        seed: Seed of the episodes; the config's by default.
        cfg_options: ``key=value`` options.
        launcher: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.
        trust_checkpoint: Whether checkpoints may hold code, and it may run; else they are refused.

    Returns:
        The figures.

    Raises:
        UsageError: If an argument or the file of the config is wrong. What its parts raise while
            they are built is left as it is.
        CheckpointError: If a checkpoint cannot be read or does not fit.
    """
    write_whole_checkpoints()
    cfg = load_config(config, cfg_options, work_dir)
    check_parts(cfg, PARTS_OF_TEST)
    untrained = checkpoint == PRETRAINED
    cfg.load_from, cfg.resume = None if untrained else existing_checkpoint(checkpoint), False
    check_data_paths(cfg, ('test_dataloader',))
    set_launcher(cfg, launcher)
    if out is not None:
        set_out(cfg, out)
    if show_dir is not None:
        set_show_dir(cfg, show_dir)
    if tta:
        set_tta(cfg)
    if seed is not None:
        set_seed(cfg, seed, 'test_dataloader')
    with checkpoint_gate(trust_checkpoint):
        runner = _build(cfg, train=False)
        if untrained:
            load_pretrained(inner_model(runner.model))
        return runner.test()


def _build(cfg: Config, train: bool) -> Runner:
    """The runner with its data loaders: mistakes in the config come out before any work."""
    runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
    keep_tracebacks(runner.log_dir)
    if train:
        check_data(runner.model, runner.train_loop, training=True)
        check_data(runner.model, runner.val_loop)
    else:
        check_data(runner.model, runner.test_loop)
    collect_through_network(runner, runner.val_loop if train else runner.test_loop)
    runner.register_hook(CheckpointHook(training=train))
    return runner
