"""The few-shot inferencer that a command line describes."""

import os
from collections.abc import Sequence
from pathlib import Path

from mmfewshot_seg.apis.fewshot_inferencer import FewShotInferencer
from mmfewshot_seg.apis.run_config import existing_checkpoint, load_config
from mmfewshot_seg.apis.support_set_inferencer import DEFAULT_MODEL
from mmfewshot_seg.apis.video import frame_name, is_video
from mmfewshot_seg.command import UsageError


def tool_inferencer(
    model: str | None, weights: str | None, cfg_options: Sequence[str] = (), **options
) -> FewShotInferencer:
    """Build an inferencer.

    Args:
        model: Config file, or name of a config of this package. None: ``DEFAULT_MODEL``.
        weights: Checkpoint of ``model``. None: the pretrained weights that its config names.
        cfg_options: ``key=value`` options of the config.
        options: Others of :class:`FewShotInferencer`.

    Raises:
        UsageError: If there are weights without a model, a file is missing, or an option is
            malformed.
        ImportError, ValueError: As of :class:`FewShotInferencer`.
    """
    if weights and not model:
        raise UsageError('--weights needs --model, the config that they are of')
    config = load_config(model or DEFAULT_MODEL, cfg_options)
    return FewShotInferencer(config, existing_checkpoint(weights) if weights else None, **options)


def tool_inputs(paths: Sequence[str]) -> str | list[str]:
    """What a command line names as images, as inferencers take it.

    Args:
        paths: A folder or a video, alone, or images.

    Raises:
        UsageError: If a folder is not alone, or a file is not there.
    """
    gone = [
        path for path in paths if not (Path(path).exists() or '://' in path or frame_name(path))
    ]
    if gone:
        raise UsageError(f'there is no image, folder or video {gone[0]}')
    folders = [path for path in paths if Path(path).is_dir()]
    if folders and len(paths) > 1:
        raise UsageError(f'{folders[0]} is a folder: give one folder alone, or images')
    return paths[0] if len(paths) == 1 else list(paths)


def usual_workers(inputs: str | Sequence[str]) -> int:
    """Threads that segment images: one a core, at most four; none for a single image."""
    single = isinstance(inputs, str) and not (Path(inputs).is_dir() or is_video(inputs))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    return 0 if single else min(cores or 1, 4)
