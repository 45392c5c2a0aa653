"""What the adapters share."""

import re

from parity.harness import Case
from parity.reference import reference_image
from torch import Tensor, nn

from mmfewshot_seg.converters.checkpoint import Layout


def given(case: Case, name: str) -> Tensor:
    """An input: an array of the fixture, or drawn as the case says, e.g. by ``'0.3 *
    reference_image(name, shape)'`` or ``'reference_image(name, shape).relu()'``.

    Raises:
        ValueError: If the generator is another one.
    """
    inputs = case.spec['inputs']
    if isinstance(inputs, list):
        return case.arrays[name]
    recipe = inputs[name]
    pattern = r'(?:([\d.e-]+) \* )?reference_image(?:\(name, shape\))?(\.relu\(\))?'
    match = re.fullmatch(pattern, recipe['generator'])
    if match is None:
        raise ValueError(f'{case}: unknown generator {recipe["generator"]!r} of {name}')
    image = float(match[1] or 1) * reference_image(recipe['name'], recipe['shape'])
    return image.relu() if match[2] else image


def sampled_like(ours: Tensor, expected: Tensor) -> Tensor:
    """Every n-th entry along each axis, as the fixture keeps large outputs."""
    for axis, (size, kept) in enumerate(zip(ours.shape, expected.shape, strict=True)):
        step = -(-size // kept)
        ours = ours[(slice(None),) * axis + (slice(None, None, step),)]
    return ours


def gradients(case: Case, model: nn.Module, layout: Layout) -> dict[str, Tensor]:
    """Gradients that the case expects, under the official keys, ``grad:<key>[slice]``."""
    parameters = dict(model.named_parameters())
    found = {}
    for entry in case.expected:
        if match := re.fullmatch(r'grad:([^\[]+)(\[.+\])?', entry):
            gradient = parameters[layout.rename(match[1])].grad
            found[entry] = gradient[_slices(match[2])] if match[2] else gradient
    return found


def _slices(text: str) -> tuple[slice, ...]:
    """``'[:4,1:3,::2]'`` as an index."""
    parts = (part.split(':') for part in text[1:-1].split(','))
    return tuple(slice(*(int(n) if n else None for n in part)) for part in parts)
