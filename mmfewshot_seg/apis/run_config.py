"""Options of the command line, written into a config of mmdet or mmseg."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from subprocess import getoutput

import torch
from mmengine.config import Config, DictAction
from mmengine.utils import import_modules_from_strings

from mmfewshot_seg.apis.config_checks import warn_of_new_keys
from mmfewshot_seg.apis.config_variables import check_read
from mmfewshot_seg.apis.resume import newest_whole_checkpoint
from mmfewshot_seg.command import UsageError
from mmfewshot_seg.did_you_mean import did_you_mean


def config_path(config: str) -> str:
    """A config file: ``config`` itself, or the config of this package that has this name.

    Raises:
        ValueError: If it is neither.
    """
    if Path(config).is_file():
        return config
    from mmengine.infer import BaseInferencer

    root = BaseInferencer._get_repo_or_mim_dir('mmfewshot_seg')
    metafiles = BaseInferencer._get_models_from_metafile(root)
    entries = {entry['Name']: entry['Config'] for entry in metafiles}
    if config not in entries:
        hint = did_you_mean(Path(config).stem, entries)
        raise ValueError(f'{config} is neither a config file nor the name of a config{hint}')
    return str(Path(root) / entries[config])


def load_config(
    config: str, cfg_options: Sequence[str] = (), work_dir: str | None = None
) -> Config:
    """Read a config and apply ``key=value`` options.

    Args:
        config: Config file, or the name of a config of this package.
        cfg_options: Options of the command line, ``['train_cfg.max_iters=10', ...]``.
        work_dir: Where logs and checkpoints go; by default the config's, else
            ``work_dirs/<name of the config>``.

    Raises:
        UsageError: If the file cannot be read, a module of its ``custom_imports`` is not found, or
            an option is malformed or changes nothing.
        ValueError: If there is no such config.
    """
    path = config_path(config)
    malformed = [option for option in cfg_options if '=' not in option]
    if malformed:
        raise UsageError(f'--cfg-options takes key=value, got {malformed[0]!r}')
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='*', action=DictAction, default={})
    options = parser.parse_args(['--cfg-options', *cfg_options]).cfg_options
    try:
        cfg = Config.fromfile(path, import_custom_modules=False)
        warn_of_new_keys(cfg.to_dict(), list(options))
        check_read(cfg, options)
        cfg.merge_from_dict(options)
    except UsageError:
        raise
    except Exception as error:  # a config is Python code: anything can go wrong in it
        raise UsageError(f'config {path}: {type(error).__name__}: {error}') from error
    _import_custom_modules(cfg)
    cfg.work_dir = work_dir or cfg.get('work_dir') or f'work_dirs/{Path(path).stem}'
    return cfg


def _import_custom_modules(cfg: Config) -> None:
    """Import what ``custom_imports`` names; a bug in these modules is not one of the config."""
    try:
        import_modules_from_strings(**(cfg.get('custom_imports') or dict(imports=None)))
    except ImportError as error:
        cause = error.__context__
        if cause is None:
            raise
        names = cfg.custom_imports.imports
        if isinstance(cause, ModuleNotFoundError) and cause.name in names:
            raise UsageError(
                f'custom_imports of the config: there is no module {cause.name!r}; PYTHONPATH '
                'has to name the folder that holds it'
            ) from cause
        raise cause from None


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
    if launcher == 'slurm':
        _set_slurm_variables()
    elif launcher != 'pytorch':
        raise UsageError(f'--launcher {launcher} needs CUDA devices; without them use pytorch')
    # MMEngine would choose a CUDA device for the process group and for the wrapped model.
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group('gloo')
    wrapper = cfg.get('model_wrapper_cfg') or dict(
        broadcast_buffers=False, find_unused_parameters=cfg.get('find_unused_parameters', False)
    )
    cfg.merge_from_dict({'model_wrapper_cfg': {**wrapper, 'device_ids': None}})


def _set_slurm_variables() -> None:
    """What MMEngine does with CUDA devices: tell PyTorch what SLURM told.

    Raises:
        UsageError: If SLURM has not started this process, or the first machine has no name.
    """
    if 'SLURM_PROCID' not in os.environ:
        raise UsageError(
            '--launcher slurm is for processes that srun started: use tools/slurm_train.sh or '
            'tools/slurm_test.sh'
        )
    names = dict(RANK='PROCID', WORLD_SIZE='NTASKS', LOCAL_RANK='LOCALID')
    os.environ.update({name: os.environ[f'SLURM_{key}'] for name, key in names.items()})
    os.environ.setdefault('MASTER_PORT', '29500')
    if 'MASTER_ADDR' not in os.environ:
        nodes = os.environ['SLURM_NODELIST']
        hosts = getoutput(f'scontrol show hostnames {nodes}').split()
        os.environ['MASTER_ADDR'] = hosts[0]


def set_auto_scale_lr(cfg: Config) -> None:
    """Scale the learning rate by the number of images of a step, as MMDetection's tools do.

    Raises:
        UsageError: If the config does not say for how many its learning rate is.
    """
    if not (cfg.get('auto_scale_lr') or {}).get('base_batch_size'):
        raise UsageError(
            '--auto-scale-lr: the config does not say for how many images a step its learning rate '
            'is: --cfg-options auto_scale_lr.base_batch_size=16 if it is for 16'
        )
    cfg.auto_scale_lr.enable = True


def set_amp(cfg: Config) -> None:
    """Train in mixed precision: float16 on CUDA, or as the config says; bfloat16 on the CPU.

    Raises:
        UsageError: If the config has an optimizer wrapper of its own, or a model that cannot be
            trained so on the CPU.
    """
    kind = cfg.optim_wrapper.get('type', 'OptimWrapper')
    if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
        raise UsageError(f'--amp replaces OptimWrapper, but the config has {kind}: leave it out')
    if torch.cuda.is_available():
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
        return
    model = cfg.get('model', {})
    if 'rpn_head' in model and 'BackgroundAwareRPNHead' not in model.rpn_head.get('type', ''):
        raise UsageError(
            f'--amp needs a CUDA device for {model.get("type")}: on the CPU NMS and RoIAlign of '
            'mmcv support only float32. Leave --amp out'
        )
    cfg.optim_wrapper.type = 'mmfewshot_seg.CpuAmpOptimWrapper'
    for name in ('loss_scale', 'dtype'):  # of AmpOptimWrapper
        cfg.optim_wrapper.pop(name, None)


def set_resume(cfg: Config, resume: str) -> None:
    """Resume from the last whole checkpoint of the work dir (``'auto'``) or from a file.

    A work dir without checkpoint starts as the config says, from its ``load_from`` if any.

    Raises:
        UsageError: If the file does not exist.
    """
    checkpoint = newest_whole_checkpoint(cfg.work_dir) if resume == 'auto' else resume
    cfg.resume = checkpoint is not None
    if checkpoint is not None:
        cfg.load_from = existing_checkpoint(checkpoint)


def existing_checkpoint(checkpoint: str) -> str:
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
    is_detector = cfg.get('default_scope') == 'mmdet'
    kind = 'DumpDetResults' if is_detector else 'mmfewshot_seg.DumpLabelMaps'
    evaluator, dump = cfg.test_evaluator, dict(type=kind, out_file_path=out)
    if isinstance(evaluator, dict) and 'metrics' in evaluator:  # an Evaluator of its own type
        evaluator['metrics'] = [*_as_list(evaluator['metrics']), dump]
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
