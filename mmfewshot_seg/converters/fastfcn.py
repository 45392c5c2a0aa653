"""FastFCN: backbone, neck and auxiliary head of the official files.

The decode heads are not converted: they are those of another library, whose layers differ from
mmseg's.
"""

import torch
from mmengine.config import ConfigDict

from mmfewshot_seg.converters.checkpoint import Layout, StateDict
from mmfewshot_seg.converters.resnet_depth import resnet_depth
from mmfewshot_seg.models.semseg.joint_pyramid_upsampling import (
    OFFICIAL_LEVELS,
    OFFICIAL_RENAMES,
    OFFICIAL_SIGNATURE,
    adapt_official,
)
from mmfewshot_seg.registry import MODELS


def parts_config(state_dict: StateDict) -> dict[str, ConfigDict]:
    """Configs of ``backbone``, ``neck`` and, if the file has one, ``auxiliary_head``.

    Raises:
        ValueError: If the backbone is neither ResNet-50 nor ResNet-101.
    """
    levels = [state_dict[f'jpu.conv{3 + level}.0.weight'] for level in range(OFFICIAL_LEVELS)]
    branches = sum(f'jpu.dilation{branch}.1.weight' in state_dict for branch in range(1, 10))
    parts = dict(
        backbone=ConfigDict(
            type='mmseg.ResNet',
            depth=resnet_depth(state_dict, 'pretrained.'),
            deep_stem=True,
            stem_channels=len(state_dict['pretrained.bn1.weight']),
        ),
        neck=ConfigDict(
            type='mmfewshot_seg.JointPyramidUpsampling',
            in_channels=[level.shape[1] for level in levels],
            mid_channels=len(levels[0]),
            dilations=[1 << branch for branch in range(branches)],
        ),
    )
    if 'auxlayer.conv5.4.weight' in state_dict:
        channels, in_channels = state_dict['auxlayer.conv5.0.weight'].shape[:2]
        parts['auxiliary_head'] = ConfigDict(
            type='mmseg.FCNHead',
            in_channels=in_channels,
            channels=channels,
            num_convs=1,
            concat_input=False,
            num_classes=len(state_dict['auxlayer.conv5.4.weight']),
            norm_cfg=dict(type='BN'),
        )
    return parts


def _target(state_dict: StateDict) -> StateDict:
    with torch.device('meta'):
        parts = {name: MODELS.build(config) for name, config in parts_config(state_dict).items()}
    return {
        f'{name}.{key}': value
        for name, part in parts.items()
        for key, value in part.state_dict().items()
    }


LAYOUTS = (
    Layout(
        name='FastFCN',
        signature=f'jpu.{OFFICIAL_SIGNATURE}',
        renames=(
            (r'pretrained\.conv1\.(\d\..+)', r'backbone.stem.\1'),
            (r'pretrained\.bn1\.(.+)', r'backbone.stem.7.\1'),
            (r'pretrained\.(layer\d\..+)', r'backbone.\1'),
            *((rf'jpu\.{old}', f'neck.{new}') for old, new in OFFICIAL_RENAMES),
            (r'auxlayer\.conv5\.0\.(.+)', r'auxiliary_head.convs.0.conv.\1'),
            (r'auxlayer\.conv5\.1\.(.+)', r'auxiliary_head.convs.0.bn.\1'),
            (r'auxlayer\.conv5\.4\.(.+)', r'auxiliary_head.conv_seg.\1'),
        ),
        dead=(r'pretrained\.fc\..+', r'head\..+'),
        target=_target,
        adapt=adapt_official,
    ),
)
