"""What the adapters share."""

import re

from parity.harness import Case
from torch import Tensor, nn

from mmfewshot_seg.converters.checkpoint import Layout


def gradients(case: Case, model: nn.Module, layout: Layout) -> dict[str, Tensor]:
    """Gradients that the case expects, under the official keys, ``grad:<key>[slice]``."""
    parameters = dict(model.named_parameters())
    found = {}
    for entry in case.expected:
        if match := re.fullmatch(r'grad:([^\[]+)(\[.+\])?', entry):
            gradient = parameters[layout.rename(match[1])].grad
            found[entry] = gradient[_slices(match[2] or '[:]')]
    return found


def _slices(text: str) -> tuple[slice, ...]:
    """``'[:4,1:3,::2]'`` as an index."""
    parts = (part.split(':') for part in text[1:-1].split(','))
    return tuple(slice(*(int(n) if n else None for n in part)) for part in parts)
