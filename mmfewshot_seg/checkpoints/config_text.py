"""The config in a checkpoint, read as data: the hosts run it as Python."""

import ast
import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from mmengine.config import Config, ConfigDict

from mmfewshot_seg.checkpoints.gate import TRUST_CURE, CheckpointError, read_checkpoint

_SCOPED = re.compile(r'(mmengine|mmcv|mmdet|mmseg|mmpretrain|mmfewshot_seg)\.[A-Z]\w*')
_EVALUATING = ('CameraMotionCompensation', 'RFSearchHook')  # classes of hosts that evaluate text


def config_of_checkpoint(source: str | Path, trust: bool = False) -> ConfigDict:
    """The config that a training wrote into its checkpoint.

    Args:
        source: See :func:`read_checkpoint`.
        trust: Whether the config may be any Python, and run.

    Raises:
        FileNotFoundError, CheckpointError: See :func:`read_checkpoint`; or if there is no config,
            or it is more than names and values.
    """
    checkpoint = read_checkpoint(source)
    text = _text(checkpoint)
    if text is None:
        raise CheckpointError(f'{source} holds no config: give the config of its model too')
    if trust:
        return ConfigDict(Config.fromstring(text, file_format='.py').to_dict())
    try:
        return ConfigDict(_values(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise CheckpointError(
            f'the config in {source} is more than data ({error}): reading it would run code. '
            f'Give the config as a file. {TRUST_CURE}'
        ) from error


def _text(checkpoint: Mapping) -> str | None:
    hub = checkpoint.get('message_hub') or {}
    text = hub.get('runtime_info', {}).get('cfg') or (checkpoint.get('meta') or {}).get('cfg')
    return text if isinstance(text, str) else None


def _values(text: str) -> dict:
    values = {}
    for statement in ast.parse(text).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                values[name] = _value(value)
            case _:
                raise ValueError(_shown(statement))
    for kind in _types(values):
        _check_type(kind)
    return values


def _value(node: ast.expr) -> object:
    match node:
        case ast.Call(func=ast.Name(id='dict'), args=[], keywords=keywords):
            return {keyword.arg: _value(keyword.value) for keyword in keywords}
        case ast.Call(func=ast.Name(id='dict'), args=[ast.Dict() as mapping], keywords=[]):
            return _value(mapping)
        case ast.Dict(keys=keys, values=values) if None not in keys:  # as of **another
            pairs = zip(cast(list[ast.expr], keys), values, strict=True)
            return {_value(key): _value(v) for key, v in pairs}
        case ast.List(elts=elements):
            return [_value(element) for element in elements]
        case ast.Tuple(elts=elements):
            return tuple(_value(element) for element in elements)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError) as error:
        raise ValueError(_shown(node)) from error


def _shown(node: ast.stmt | ast.expr) -> str:
    return f'line {node.lineno}: {ast.unparse(node).splitlines()[0][:60]}'


def _types(value: object) -> Iterator[object]:
    """Values of all keys ``type``, however deep."""
    if isinstance(value, dict):
        if 'type' in value:
            yield value['type']
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _types(item)


def _check_type(kind: object) -> None:
    """Registries import what they do not know, and functions of mmcv evaluate it.

    Raises:
        ValueError: If ``kind`` is anything but the name of a class or function of a host.
    """
    if not isinstance(kind, str):
        return
    known = _SCOPED.fullmatch(kind) or (kind.isidentifier() and find_spec(kind) is None)
    if not known or kind.rpartition('.')[2] in _EVALUATING:
        raise ValueError(f'type={kind!r}')
