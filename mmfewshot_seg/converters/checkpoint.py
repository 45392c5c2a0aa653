"""Official checkpoint -> ours, driven by a table of renamings."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mmfewshot_seg.tensor_file import load_tensors, save_tensors
from mmfewshot_seg.version import __version__

StateDict = dict[str, Tensor]


def rename(key: str, renames: Iterable[tuple[str, str]]) -> str | None:
    """Replacement by the first regular expression that the whole key matches, if one does."""
    for pattern, replacement in renames:
        if re.fullmatch(pattern, key):
            return re.sub(pattern, replacement, key)
    return None


class _Complete(dict):
    """State dict of a layout; what is looked up and is not there is told by name."""

    def __init__(self, state_dict: StateDict, layout: str) -> None:
        super().__init__(state_dict)
        self.layout = layout

    def __missing__(self, key: str) -> Tensor:
        raise ValueError(f'not a complete {self.layout} checkpoint. missing: {key}')


@dataclass(frozen=True)
class Layout:
    """Key layout of one kind of official file.

    Attributes:
        name: What messages call it.
        signature: A key that only files of this layout have.
        renames: Pairs of a regular expression that a whole key must match, and its replacement;
            the first that matches counts.
        dead: Regular expressions of keys that the method never uses.
        target: Maps the official state dict to the parameters and buffers of our model.
        adapt: Maps our key and the official tensor to our tensor.
    """

    name: str
    signature: str
    renames: tuple[tuple[str, str], ...]
    target: Callable[[StateDict], Mapping[str, Tensor]]
    dead: tuple[str, ...] = ()
    adapt: Callable[[str, Tensor], Tensor] = lambda key, value: value

    def convert(self, state_dict: StateDict) -> StateDict:
        """Rename every key; counters of batches, which old files lack, are set to 0.

        Raises:
            ValueError: If a key is neither renamed nor dead, if one of our parameters stays
                unfilled, or if a shape differs; the message names the keys.
        """
        converted, unknown = {}, []
        for key, value in state_dict.items():
            new_key = self.rename(key)
            if new_key is not None:
                converted[new_key] = self.adapt(new_key, value)
            elif not any(re.fullmatch(pattern, key) for pattern in self.dead):
                unknown.append(key)
        target = self.target(_Complete(state_dict, self.name))
        for key, value in target.items():
            if key.endswith('.num_batches_tracked'):
                converted.setdefault(key, torch.zeros(value.shape, dtype=value.dtype))
        unknown += [key for key in converted if key not in target]
        missing = [key for key in target if key not in converted]
        misshapen = [
            f'{key} {tuple(converted[key].shape)} instead of {tuple(value.shape)}'
            for key, value in target.items()
            if key in converted and converted[key].shape != value.shape
        ]
        problems = dict(unknown=unknown, missing=missing, misshapen=misshapen)
        if any(problems.values()):
            found = '; '.join(
                f'{kind}: {", ".join(keys)}' for kind, keys in problems.items() if keys
            )
            raise ValueError(f'not a complete {self.name} checkpoint. {found}')
        return converted

    def rename(self, key: str) -> str | None:
        """Our name of an official key, None if the key has none."""
        return rename(key, self.renames)


def convert_state_dict(state_dict: StateDict, layouts: tuple[Layout, ...]) -> StateDict:
    """Convert by the layout whose signature the file has; a ``module.`` prefix is stripped.

    Raises:
        ValueError: If no layout fits, or see :meth:`Layout.convert`.
    """
    state_dict = {key.removeprefix('module.'): value for key, value in state_dict.items()}
    for layout in layouts:
        if layout.signature in state_dict:
            return layout.convert(state_dict)
    raise ValueError(
        'no known layout: none of '
        + ', '.join(f'{layout.signature} ({layout.name})' for layout in layouts)
        + f' is among the keys; the file begins with {", ".join(list(state_dict)[:3]) or "nothing"}'
    )


def load_official(path: str | Path) -> StateDict:
    """Read the tensors of an official file: a bare state dict or one under ``state_dict``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file holds anything but tensors and plain values, which would run
            code on loading, or no tensors at all.
    """
    try:
        content = load_tensors(path)
    except ValueError as error:
        raise ValueError(
            f'{error}. If you trust its origin, load it once with torch.load(..., '
            "weights_only=False) and save its state dict alone: torch.save({'state_dict': "
            'state_dict}, path)'
        ) from error
    if isinstance(content, Mapping) and isinstance(content.get('state_dict'), Mapping):
        content = content['state_dict']
    if not isinstance(content, Mapping) or not all(map(torch.is_tensor, content.values())):
        raise ValueError(f'{path} holds no state dict, neither bare nor under "state_dict"')
    return dict(content)


def save_converted(
    state_dict: StateDict, path: str | Path, system: str, origin: str | Path
) -> None:
    """Write a checkpoint that MMEngine loads.

    Raises:
        OSError: See :func:`save_tensors`.
    """
    meta = dict(converted_from=Path(origin).name, system=system, mmfewshot_seg_version=__version__)
    save_tensors(dict(meta=meta, state_dict=state_dict), path)
