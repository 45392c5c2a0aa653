"""Mistakes in a config that can be told before anything is imported or built for it."""

import inspect
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from warnings import warn

from mmengine.config import Config
from mmengine.runner import Runner

from mmfewshot_seg.command import UsageError
from mmfewshot_seg.did_you_mean import did_you_mean

RUNNER_KEYS = set(inspect.signature(Runner.__init__).parameters)
PARTS_OF_TRAINING = ('model', 'train_dataloader', 'train_cfg', 'optim_wrapper')
PARTS_OF_TEST = ('model', 'test_dataloader', 'test_cfg')
ENVIRONMENT = re.compile(r'\{\{\$(\w+):(\S+?)\}\}')
NESTED = ('dataset', 'datasets', 'source')
"""Keys of a data set's config under which there are other ones."""


def check_parts(cfg: Config, parts: Sequence[str]) -> None:
    """Refuse a config without what is to be built, as the files of ``configs/_base_`` are.

    Args:
        cfg: Loaded from a file.
        parts: Keys it has to define.

    Raises:
        UsageError: If one is missing or None.
    """
    missing = [part for part in parts if not cfg.get(part)]
    if missing:
        raise UsageError(
            f'{cfg.filename} defines no {" and no ".join(missing)}: give a config that does; those '
            'in _base_ folders are parts of others'
        )


def warn_of_new_keys(cfg: Mapping, options: Sequence[str]) -> None:
    """Warn of keys that look misspelled: a config takes any in silence.

    New keys of a part with a ``type`` are no matter: its constructor refuses what it does not know.

    Args:
        cfg: The config before the options are merged.
        options: Their keys, ``'train_cfg.max_iters'``.
    """
    for option in options:
        parent, keys = cfg, option.split('.')
        for depth, key in enumerate(keys):
            if isinstance(parent, list | tuple) and key.isdigit() and int(key) < len(parent):
                parent = parent[int(key)]
            elif isinstance(parent, Mapping) and key in parent:
                parent = parent[key]
            else:
                _warn_of(option, depth, parent)
                break


def _warn_of(option: str, depth: int, parent: object) -> None:
    keys = option.split('.')
    if not isinstance(parent, Mapping) or 'type' in parent:
        return
    known = [*parent, *(RUNNER_KEYS if depth == 0 else ())]
    hint = did_you_mean(keys[depth], known)
    if keys[depth] not in known and (hint or depth == 0):
        warn(
            f'--cfg-options {option}: the config has no {".".join(keys[: depth + 1])}{hint}',
            stacklevel=4,
        )


def check_data_paths(cfg: Config, loaders: Sequence[str]) -> None:
    """Refuse data sets whose folder or annotation file is missing.

    Args:
        cfg: Loaded from a file.
        loaders: Keys of data loaders; those that the config lacks are left out.

    Raises:
        UsageError: If one is missing; names the environment variable or key to set.
    """
    for loader in loaders:
        dataset = (cfg.get(loader) or {}).get('dataset')
        for key, part in _data_parts(dataset, f'{loader}.dataset'):
            _check_paths(cfg, key, part)


def _data_parts(node: object, key: str) -> Iterator[tuple[str, Mapping]]:
    """A data set's config and those that are nested in it, each with its key."""
    if isinstance(node, Mapping):
        yield key, node
        for name in NESTED:
            yield from _data_parts(node.get(name), f'{key}.{name}')
    elif isinstance(node, list | tuple):
        for i, entry in enumerate(node):
            yield from _data_parts(entry, f'{key}.{i}')


def _check_paths(cfg: Config, key: str, part: Mapping) -> None:
    root, file = part.get('data_root') or '', part.get('ann_file') or ''
    texts = isinstance(root, str) and isinstance(file, str)
    if not texts or part.get('backend_args') or '://' in f'{root} {file}':
        return
    if root and not Path(root).is_dir():
        raise UsageError(f'there is no folder {_told(root)}. {_cure(cfg, root, key, "data_root")}')
    path = Path(root) / file
    if file and not path.exists():
        name = 'data_root' if root else 'ann_file'
        raise UsageError(f'there is no file {_told(path)}. {_cure(cfg, str(path), key, name)}')


def _told(path: str | Path) -> str:
    return str(path) if Path(path).is_absolute() else f'{path} in {Path.cwd()}'


def _cure(cfg: Config, path: str, key: str, name: str) -> str:
    for variable, default in ENVIRONMENT.findall(cfg.text):
        if path.startswith(os.environ.get(variable, default)):
            draw = ' (`python tools/draw_dataset.py DIR` draws one)' if 'DRAWN' in variable else ''
            return f'Set the environment variable {variable} to the folder of the data set{draw}'
    return f'Put the data there, or set {key}.{name} by --cfg-options'
