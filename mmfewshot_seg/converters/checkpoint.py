"""Official checkpoint -> ours, driven by a table of renamings."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mmfewshot_seg.files.tensor_file import save_tensors
from mmfewshot_seg.functional.key_renaming import rename
from mmfewshot_seg.functional.not_finite import not_finite
from mmfewshot_seg.version import __version__

StateDict = dict[str, Tensor]


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
                with self._told_incomplete():
                    converted[new_key] = self.adapt(new_key, value)
            elif not any(re.fullmatch(pattern, key) for pattern in self.dead):
                unknown.append(key)
        with self._told_incomplete():
            target = self.target(state_dict)
        for key, value in target.items():
            if key.endswith('.num_batches_tracked'):
                converted.setdefault(key, torch.zeros(value.shape, dtype=value.dtype))
        unknown += [key for key in converted if key not in target]
        missing = [key for key in target if key not in converted]
        spoilt = not_finite(converted)
        misshapen = [
            f'{key} {tuple(converted[key].shape)} instead of {tuple(value.shape)}'
            for key, value in target.items()
            if key in converted and converted[key].shape != value.shape
        ]
        problems = dict(unknown=unknown, missing=missing, misshapen=misshapen)
        problems['not finite'] = spoilt
        if any(problems.values()):
            found = '; '.join(
                f'{kind}: {", ".join(keys)}' for kind, keys in problems.items() if keys
            )
            raise ValueError(f'not a complete {self.name} checkpoint. {found}')
        return converted

    @contextmanager
    def _told_incomplete(self) -> Iterator[None]:
        """Sizes that the file does not tell, or tells wrongly, are the file's fault."""
        try:
            yield
        except KeyError as error:
            raise ValueError(
                f'not a complete {self.name} checkpoint. missing: {error.args[0]}'
            ) from error
        except (IndexError, RuntimeError, ZeroDivisionError) as error:
            raise ValueError(f'not a complete {self.name} checkpoint ({error})') from error

    def rename(self, key: str) -> str | None:
        """Our name of an official key, None if the key has none."""
        return rename(key, self.renames)


def save_converted(
    state_dict: StateDict, path: str | Path, system: str, origin: str | Path
) -> None:
    """Write a checkpoint that MMEngine loads.

    Raises:
        OSError: See :func:`save_tensors`.
    """
    meta = dict(converted_from=Path(origin).name, system=system, mmfewshot_seg_version=__version__)
    save_tensors(dict(meta=meta, state_dict=state_dict), path)
