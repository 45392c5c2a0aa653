"""Options of the command line, written into a config of mmdet or mmseg."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.config import Config, DictAction

from mmfewshot_seg.apis.config_variables import check_read, unset_variables
from mmfewshot_seg.apis.resume import newest_whole_checkpoint
from mmfewshot_seg.command import UsageError, keep_defaults


def load_config(path: str, cfg_options: Sequence[str] = (), work_dir: str | None = None) -> Config:
    """Read a config and apply ``key=value`` options.

    Args:
        path: Config file.
        cfg_options: As on the command line, ``['train_cfg.max_iters=10', ...]``.
        work_dir: Where logs and checkpoints go; by default the config's, else
            ``work_dirs/<name of the config>``.

    Raises:
        UsageError: If the file is missing or cannot be read, or an option is malformed or changes
            nothing.
    """
    if not Path(path).is_file():
        raise UsageError(f'config {path} does not exist')
    malformed = [option for option in cfg_options if '=' not in option]
    if malformed:
        raise UsageError(f'--cfg-options takes key=value, got {malformed[0]!r}')
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='*', action=DictAction, default={})
    options = parser.parse_args(['--cfg-options', *cfg_options]).cfg_options
    try:
        cfg = Config.fromfile(path)
        check_read(cfg, options)
        cfg.merge_from_dict(options)
    except UsageError:
        raise
    except Exception as error:  # a config is Python code: anything can go wrong in it
        raise UsageError(f'config {path}: {type(error).__name__}: {error}') from error
    keep_defaults(unset_variables(cfg))
    cfg.work_dir = work_dir or cfg.get('work_dir') or f'work_dirs/{Path(path).stem}'
    return cfg


def set_seed(cfg: Config, seed: int, loader: str) -> None:
    """Seed weights and training, and the episodes of ``loader`` if it draws any."""
    cfg.merge_from_dict({'randomness.seed': seed})
    dataset = (cfg.get(loader) or {}).get('dataset', {})
    if dataset.get('type') in ('FewShotDataset', 'mmfewshot_seg.FewShotDataset'):
        dataset.seed = seed


def set_launcher(cfg: Config, launcher: str) -> None:
    """Choose how processes are started; without CUDA devices they talk through gloo.

    Raises:
        UsageError: If the launcher does not work without CUDA devices, and there are none, or if
            nothing launched this process.
    """
    cfg.launcher = launcher
    if launcher == 'pytorch' and 'RANK' not in os.environ:
        raise UsageError(
            '--launcher pytorch is for processes that torchrun started: use tools/dist_train.sh '
            'or tools/dist_test.sh'
        )
    if torch.cuda.is_available() or launcher == 'none':
        return
    if launcher != 'pytorch':
        raise UsageError(f'--launcher {launcher} needs CUDA devices; without them use pytorch')
    # MMEngine would choose a CUDA device for the process group and for the wrapped model.
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group('gloo')
    wrapper = cfg.get('model_wrapper_cfg') or dict(
        broadcast_buffers=False, find_unused_parameters=cfg.get('find_unused_parameters', False)
    )
    cfg.merge_from_dict({'model_wrapper_cfg': {**wrapper, 'device_ids': None}})


def set_amp(cfg: Config) -> None:
    """Train in mixed precision.

    Raises:
        UsageError: If there is no CUDA device, or the config has an optimizer wrapper of its own.
    """
    if not torch.cuda.is_available():
        raise UsageError('--amp needs a CUDA device, and there is none')
    kind = cfg.optim_wrapper.get('type', 'OptimWrapper')
    if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
        raise UsageError(f'--amp replaces OptimWrapper, but the config has {kind}: leave it out')
    cfg.optim_wrapper.type = 'AmpOptimWrapper'
    cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')


def set_resume(cfg: Config, resume: str) -> None:
    """Resume from the last whole checkpoint of the work dir (``'auto'``) or from a file.

    A work dir without checkpoint starts as the config says, from its ``load_from`` if any.

    Raises:
        UsageError: If the file does not exist.
    """
    checkpoint = newest_whole_checkpoint(cfg.work_dir) if resume == 'auto' else resume
    cfg.resume = checkpoint is not None
    if cfg.resume:
        cfg.load_from = existing(checkpoint)


def existing(checkpoint: str) -> str:
    """The checkpoint's path, or its URL.

    Raises:
        UsageError: If the file does not exist.
    """
    if '://' not in checkpoint and not Path(checkpoint).is_file():
        raise UsageError(f'checkpoint {checkpoint} does not exist')
    return checkpoint


def set_out(cfg: Config, out: str) -> None:
    """Dump all predictions.

    Raises:
        UsageError: If ``out`` is no pickle file, or the config does not evaluate.
    """
    if not cfg.get('test_evaluator'):
        raise UsageError('--out needs a config with a test_evaluator')
    if Path(out).suffix not in ('.pkl', '.pickle'):
        raise UsageError(f'--out must end with .pkl or .pickle, got {out}')
    dump = 'DumpDetResults' if cfg.get('default_scope') == 'mmdet' else 'DumpResults'
    evaluator, dump = cfg.test_evaluator, dict(type=dump, out_file_path=out)
    if isinstance(evaluator, dict) and 'metrics' in evaluator:  # an Evaluator of its own type
        evaluator.metrics = [*_as_list(evaluator.metrics), dump]
    else:
        cfg.test_evaluator = [*_as_list(evaluator), dump]


def _as_list(value) -> list:
    return list(value) if isinstance(value, list | tuple) else [value]


def set_show_dir(cfg: Config, show_dir: str) -> None:
    """Draw what is predicted, by the config's visualization hook.

    A few-shot model in a config whose hook draws something else gets our hook and visualizer.

    Raises:
        UsageError: If the config has no such hook.
    """
    if cfg.get('model', {}).get('type', '').endswith('FewShotSegmentor'):
        hooks = cfg.get('default_hooks', {})
        hook = hooks.get('visualization') or {}
        if 'EpisodeVisualizationHook' not in hook.get('type', ''):
            hook = dict(type='mmfewshot_seg.EpisodeVisualizationHook')
            cfg.visualizer = dict(type='mmfewshot_seg.EpisodeVisualizer')
        cfg.default_hooks = {**hooks, 'visualization': {**hook, 'draw': True, 'out_dir': show_dir}}
        return
    hook = cfg.get('default_hooks', {}).get('visualization')
    if hook is None:
        raise UsageError(
            '--show-dir needs a hook that draws: add default_hooks = dict(visualization='
            "dict(type='SegVisualizationHook')), or DetVisualizationHook, to the config"
        )
    hook.draw = True
    if 'DetVisualizationHook' in hook.type:
        hook.test_out_dir = str(Path(show_dir).resolve())
    else:
        cfg.merge_from_dict({'visualizer.save_dir': show_dir})


def set_tta(cfg: Config) -> None:
    """Test with the config's test-time augmentation.

    Raises:
        UsageError: If the config defines none.
    """
    missing = [key for key in ('tta_model', 'tta_pipeline') if not cfg.get(key)]
    if missing:
        raise UsageError(f'--tta: the config defines no {" and no ".join(missing)}')
    dataset = cfg.test_dataloader.dataset
    while 'dataset' in dataset:
        dataset = dataset.dataset
    dataset.pipeline = cfg.tta_pipeline
    cfg.model = dict(**cfg.tta_model, module=cfg.model)
