"""The one gate through which checkpoints are read: tensors and plain values, no code.

MMEngine reads checkpoints for the runner, its inferencers and ``init_cfg`` by one table of
schemes. Its loaders run code that is hidden in a file: the maintained MMEngine whenever PyTorch
refuses the file, OpenMMLab's always. While the gate is up, in the thread that put it up, whatever
loader is looked up in that table leads through here; the table itself stays as it is, and a scheme
may be registered at any time.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from mmengine.runner import CheckpointLoader
from mmengine.runner.checkpoint import load_from_local
from torch import Tensor

from mmfewshot_seg.checkpoints.context_patch import ContextPatch
from mmfewshot_seg.files.data_pickle import NotDataError
from mmfewshot_seg.files.tensor_file import (
    MoreThanDataError,
    first_line,
    load_data,
    load_tensors,
    more_than_data,
)

TRUST_CURE = (
    'If you trust its origin, say so: --trust-checkpoint of a tool, trust_checkpoint=True of an '
    'inferencer'
)
_WRAPPERS = ('state_dict', 'model', 'teacher')
_SUPPORT_SETS = ({'shots', 'negatives', 'meta'}, {'tensors', 'meta'})
_trusting = ContextVar('trusting', default=False)


class CheckpointError(ValueError):
    """A checkpoint that cannot be read or does not fit; the message names file, fault and cure."""


class NoCheckpointError(CheckpointError, FileNotFoundError):
    """A checkpoint that does not exist."""


@contextmanager
def checkpoint_gate(trust: bool = False) -> Iterator[None]:
    """Let MMEngine read checkpoints by :func:`read_checkpoint` alone, in this thread.

    Args:
        trust: Whether the code of checkpoints may run.
    """
    token = _trusting.set(trust)
    try:
        with _guarded_loaders():
            yield
    finally:
        _trusting.reset(token)


def read_checkpoint(source: str | Path, map_location: str = 'cpu') -> dict:
    """Content of a checkpoint, without running code of it unless :func:`checkpoint_gate` trusts.

    Args:
        source: A file of PyTorch or safetensors, or an address of a scheme of ``CheckpointLoader``.
        map_location: See ``torch.load``.

    Returns:
        The weights under ``state_dict``, in whatever usual wrapping they were and without
        ``module.`` of parallel training before their names, beside what else there is.

    Raises:
        NoCheckpointError: If there is no such file.
        CheckpointError: If it cannot be read, holds more than data, or no weights.
    """
    with checkpoint_gate(_trusting.get()):
        loader = CheckpointLoader._get_checkpoint_loader(str(source))
        return loader(str(source), map_location)


def _guarded(loader: Callable) -> Callable:
    """A loader of MMEngine behind the gate."""

    @wraps(loader)
    def load(source: str, map_location: str | None = None, **options) -> dict:
        read = _from_file if loader is load_from_local else _from_elsewhere
        try:
            content = read(source, map_location or 'cpu', loader)
        except MoreThanDataError as error:
            raise CheckpointError(f'{error}. {TRUST_CURE}') from error
        except CheckpointError:
            raise
        except ValueError as error:
            raise CheckpointError(f'{error}; expected a checkpoint') from error
        except FileNotFoundError as error:
            raise NoCheckpointError(f'checkpoint {source} does not exist') from error
        return with_state_dict(content, source)

    return load


def _from_file(source: str, map_location: str, _: Callable) -> object:
    path = Path(source).expanduser()
    if path.suffix == '.safetensors' and path.is_file():
        try:
            return import_module('safetensors.torch').load_file(path)
        except Exception as error:  # of a class of its own
            raise ValueError(f'{source} is no file of safetensors ({first_line(error)})') from error
    return load_tensors(path, map_location, _trusting.get())


def _from_elsewhere(source: str, map_location: str, loader: Callable) -> object:
    """Of a scheme that gets its file by itself: what it calls ``torch.load`` reads data alone."""
    with nullcontext() if _trusting.get() else _data_alone():
        try:
            return loader(source, map_location)
        except (CheckpointError, ImportError):
            raise
        except NotDataError as error:
            raise MoreThanDataError(more_than_data(source, error)) from error
        except Exception as error:  # the network, or what PyTorch says of a file
            raise ValueError(f'{source} cannot be read ({first_line(error)})') from error


_guarded_loaders = ContextPatch(
    CheckpointLoader, '_get_checkpoint_loader', lambda find: lambda path: _guarded(find(path))
)
_data_alone = ContextPatch(torch, 'load', lambda _: load_data)


def with_state_dict(content: object, source: str | Path) -> dict:
    """``content`` with its weights under ``state_dict``, see :func:`read_checkpoint`.

    Raises:
        CheckpointError: If there are none.
    """
    weights = content
    rest: dict = {}
    for key in _WRAPPERS:
        if isinstance(weights, Mapping) and isinstance(weights.get(key), Mapping):
            rest = {**weights, **rest}
            weights = weights[key]
    if isinstance(content, Mapping) and set(content) in _SUPPORT_SETS:
        raise CheckpointError(
            f'{source} is a saved support set, not a checkpoint: load_support reads it'
        )
    if not isinstance(weights, Mapping) or not all(map(_is_weight, weights, weights.values())):
        found = (
            f'keys {", ".join(map(str, list(weights)[:3]))}' if isinstance(weights, Mapping) else ''
        )
        raise CheckpointError(
            f'{source} holds no weights by name, neither alone nor under "state_dict" or "model", '
            f'but {found or f"a {type(weights).__name__}"}; expected a checkpoint'
        )
    state_dict: Any = OrderedDict((key.removeprefix('module.'), v) for key, v in weights.items())
    versions = getattr(weights, '_metadata', None)  # of layers, for conversions by their classes
    if versions is not None:
        state_dict._metadata = {key.removeprefix('module.'): v for key, v in versions.items()}
    return {**rest, 'state_dict': state_dict}


def _is_weight(key: object, value: Tensor | object) -> bool:
    return isinstance(key, str) and (torch.is_tensor(value) or key.endswith('_extra_state'))
