"""Do weights fit a model? One answer, in one wording, for tools, inferencers and converters."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from mmfewshot_seg.checkpoints import CheckpointError
from mmfewshot_seg.converters import official_system
from mmfewshot_seg.functional.not_finite import not_finite

_SHAPES = re.compile(r'size mismatch for (\S+): .*Size\((.*?)\) from .*Size\((.*?)\)\.')
_IDLE = ('auxiliary_head.',)
"""Parts that only training uses: a test may lack them or leave them over."""


@dataclass(frozen=True)
class Fit:
    """What of some weights fits a model; all by name.

    Attributes:
        wanted: Weights that the model has.
        missing: Those of them that are not there.
        misshapen: Those of another shape, with both.
        left_over: Weights that the model has no place for.
        not_finite: Weights with NaN or infinite values.
    """

    wanted: tuple[str, ...]
    missing: tuple[str, ...] = ()
    misshapen: tuple[str, ...] = ()
    left_over: tuple[str, ...] = ()
    not_finite: tuple[str, ...] = ()

    @property
    def number_loaded(self) -> int:
        """Weights that the model gets."""
        return len(self.wanted) - len(self.missing) - len(self.misshapen)

    @property
    def missing_parts(self) -> list[str]:
        """Parts of the model (``decode_head``, ...) that have weights and get none."""
        there = {part(key) for key in self.wanted if key not in set(self.missing)}
        return sorted({part(key) for key in self.missing} - there)

    def faults(self) -> str:
        """All that does not fit, in one line; empty if there is nothing."""
        texts = (
            (self.missing, f'of {len(self.wanted)} weights of the model are missing'),
            (self.misshapen, 'of another shape'),
            (self.left_over, 'left over, which the model has no place for'),
            (self.not_finite, 'not finite'),
        )
        return '; '.join(f'{len(keys)} {text}: {_some(keys)}' for keys, text in texts if keys)

    def without(self, prefixes: tuple[str, ...]) -> 'Fit':
        """The same but for names that begin with one of ``prefixes``."""
        fields = {
            name: tuple(key for key in keys if not key.startswith(prefixes))
            for name, keys in vars(self).items()
        }
        return Fit(**fields)


def load_weights(model: nn.Module, state_dict: Mapping[str, Tensor]) -> Fit:
    """Copy weights into a model, as far as they fit, and tell how far.

    Layers convert layouts that they know, as they do for the hosts. Counters of batches, which
    old files lack, do not count.
    """
    wanted = _counted(model.state_dict())
    misshapen = []
    try:
        missing, left_over = model.load_state_dict(state_dict, strict=False)
    except RuntimeError as error:  # PyTorch tells shapes by no other way
        for line in str(error).splitlines()[1:]:
            misshapen.append(_SHAPES.sub(r'\1 (\2) instead of (\3)', line.strip()))
        missing = wanted.keys() - state_dict.keys()
        left_over = [key for key in state_dict if key not in wanted]
    return Fit(
        tuple(wanted),
        tuple(key for key in wanted if key in set(missing)),
        tuple(misshapen),
        tuple(_counted(dict.fromkeys(left_over))),
        tuple(not_finite(state_dict)),
    )


def load_for_prediction(model: nn.Module, state_dict: Mapping[str, Tensor], source: str) -> None:
    """Copy weights into a model that is to predict: none may stay random, none be left over.

    Parts that only training uses, as ``auxiliary_head``, may be missing or left over.

    Raises:
        CheckpointError: If weights do not fit; the message names ``source``.
    """
    fit = load_weights(model, state_dict).without(_IDLE)
    if faults := fit.faults():
        raise CheckpointError(
            f'{source} does not fit the model: {faults}. {cure(model, fit, state_dict)}'
        )


def load_to_train(model: nn.Module, state_dict: Mapping[str, Tensor], source: str) -> str:
    """Copy weights into a model that is to be trained: a part of them is enough.

    Returns:
        What was loaded, in a line.

    Raises:
        CheckpointError: If nothing fits, or weights are not finite.
    """
    fit = load_weights(model, state_dict)
    if not fit.number_loaded or fit.not_finite:
        raise CheckpointError(
            f'{source} does not fit the model: {fit.faults()}. {cure(model, fit, state_dict)}'
        )
    loaded = f'{fit.number_loaded} of {len(fit.wanted)} weights of the model are from {source}'
    return f'{loaded}; {fit.faults()}' if fit.faults() else loaded


def cure(model: nn.Module, fit: Fit, state_dict: Mapping[str, Tensor]) -> str:
    """What to do about weights that do not fit, told from their names."""
    if system := official_system(state_dict):
        return f'It looks like an official file: {_convert(system)} makes a checkpoint of it'
    backbone = getattr(model, 'backbone', None)
    if backbone is not None and any(key in state_dict for key in backbone.state_dict()):
        return (
            'These are weights of a backbone by itself, which a config names to start a training: '
            "model.backbone.init_cfg=dict(type='Pretrained', checkpoint=...)"
        )
    lacking = {part(key) for key in fit.missing}
    if lacking == set(fit.missing_parts) - {'backbone'} and not (fit.left_over or fit.misshapen):
        return 'A backbone alone can start a training (load_from), but cannot be tested'
    return (
        'Give the checkpoint and the config that belong together; a file of official code is to be '
        f'converted first: {_convert("SYSTEM")}'
    )


def part(key: str) -> str:
    """The part of a model that a weight belongs to, as ``backbone``."""
    return key.partition('.')[0]


def _convert(system: str) -> str:
    return f'python tools/convert_checkpoint.py {system} IN OUT'


def _counted(keys: Mapping) -> dict:
    return {key: None for key in keys if not key.endswith('num_batches_tracked')}


def _some(keys: Iterable[str], most: int = 3) -> str:
    keys = list(keys)
    return ', '.join(keys[:most]) + (', ...' if keys[most:] else '')
