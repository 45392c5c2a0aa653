"""Joint pyramid upsampling, as published and in stages."""

from parity.harness import Case
from parity.helpers import given, sampled_like
from torch import nn

from mmfewshot_seg.models.semseg import JointPyramidUpsampling, StagedPyramidUpsampling


def _values(case: Case, neck: nn.Module) -> dict:
    """Fused map, and gradients of the levels where the case has a cotangent."""
    neck.eval().load_state_dict(case.checkpoint())
    names = [f'c{level}' for level in range(3, 3 + len(neck.in_channels))]
    levels = {name: given(case, name).requires_grad_() for name in names}
    (output,) = neck(tuple(levels.values()))
    values = dict(output=output)
    if any(entry.startswith('grad_') for entry in case.expected):
        (output * given(case, 'cotangent')).sum().backward()
        values.update({f'grad_{name}': level.grad for name, level in levels.items()})
    return {key: sampled_like(values[key], expected) for key, expected in case.expected.items()}


def published(case: Case) -> dict:
    """The published neck."""
    config = case.spec['config']
    neck = JointPyramidUpsampling(
        config['in_channels'],
        mid_channels=config['width'],
        dilations=config['dilations'],
        align_corners=config['align_corners'],
        out='fused',
    )
    return _values(case, neck)


def staged(case: Case) -> dict:
    """The later variant."""
    config = case.spec['config']
    neck = StagedPyramidUpsampling(
        config['in_channels'],
        mid_channels=config['width'],
        align_corners=config['align_corners'],
        out='fused',
    )
    return _values(case, neck)


ADAPTERS = {'jpu': published, 'jpu_x': staged}
