"""DANet: the official files, whole networks on ResNet-50 or ResNet-101 with the 7x7 stem."""

import torch
from mmengine.config import ConfigDict

from mmfewshot_seg.converters.checkpoint import Layout, StateDict
from mmfewshot_seg.converters.resnet_depth import resnet_depth
from mmfewshot_seg.models.semseg.dual_attention_head import OFFICIAL_RENAMES, adapt_official
from mmfewshot_seg.registry import MODELS


def segmentor_config(state_dict: StateDict) -> ConfigDict:
    """Config of the network of an official file, for inference.

    Raises:
        ValueError: If the backbone is neither ResNet-50 nor ResNet-101.
    """
    channels, in_channels = state_dict['head.conv5a.0.weight'].shape[:2]
    return ConfigDict(
        type='mmseg.EncoderDecoder',
        data_preprocessor=dict(
            type='mmseg.SegDataPreProcessor',
            mean=[123.675, 116.28, 103.53],
            std=[58.395, 57.12, 57.375],
            bgr_to_rgb=True,
        ),
        backbone=dict(
            type='mmseg.ResNet',
            depth=resnet_depth(state_dict, 'pretrained.'),
            strides=(1, 2, 1, 1),
            dilations=(1, 1, 2, 4),
            multi_grid=(4, 8, 16),
            contract_dilation=True,
        ),
        decode_head=dict(
            type='mmfewshot_seg.DualAttentionHead',
            in_channels=in_channels,
            channels=channels,
            pam_channels=len(state_dict['head.sa.query_conv.weight']),
            num_classes=len(state_dict['head.conv8.1.weight']),
            norm_cfg=dict(type='BN'),
            align_corners=True,
        ),
        test_cfg=dict(mode='whole'),
    )


def _target(state_dict: StateDict) -> StateDict:
    with torch.device('meta'):
        return MODELS.build(segmentor_config(state_dict)).state_dict()


LAYOUTS = (
    Layout(
        name='DANet',
        signature='head.conv5a.0.weight',
        renames=(
            (r'pretrained\.((?:conv1|bn1|layer\d)\..+)', r'backbone.\1'),
            *((rf'head\.{old}', f'decode_head.{new}') for old, new in OFFICIAL_RENAMES),
        ),
        dead=(r'pretrained\.fc\..+',),
        target=_target,
        adapt=adapt_official,
    ),
)
