"""Gated-SCNN: the official network on WideResNet-38, and its backbone alone."""

import re

import torch
from mmengine.config import ConfigDict

from mmfewshot_seg.converters.checkpoint import Layout, StateDict
from mmfewshot_seg.registry import MODELS

HEAD = 'decode_head.'
STREAM = f'{HEAD}shape_stream.'
GATE_PARTS = {0: 'norm_in', 1: 'reduce', 3: 'attend', 4: 'norm_out'}
PARTS = {
    'fuse': f'{STREAM}edge',
    'cw': f'{HEAD}mix',
    'bot_fine': f'{HEAD}skip',
    'bot_aspp': f'{HEAD}context',
    'final_seg.0': f'{HEAD}decoder.0.conv',
    'final_seg.1': f'{HEAD}decoder.0.bn',
    'final_seg.3': f'{HEAD}decoder.1.conv',
    'final_seg.4': f'{HEAD}decoder.1.bn',
    'final_seg.6': f'{HEAD}conv_seg',
}


def backbone_config() -> dict:
    """Config of the backbone of official files."""
    return dict(type='mmfewshot_seg.WideResNet38')


def segmentor_config(state_dict: StateDict) -> ConfigDict:
    """Config of the network of an official file, for inference."""
    return ConfigDict(
        type='mmfewshot_seg.GatedSCNN',
        gradient='official',
        data_preprocessor=dict(
            type='mmseg.SegDataPreProcessor',
            mean=[123.675, 116.28, 103.53],
            std=[58.395, 57.12, 57.375],
            bgr_to_rgb=True,
            size_divisor=8,
        ),
        backbone=backbone_config(),
        decode_head=dict(
            type='mmfewshot_seg.GatedSCNNHead',
            in_channels=[64, 128, 256, 512, 4096],
            in_index=[0, 1, 2, 3, 4],
            skip_index=1,
            gate_indices=[2, 3, 4],
            shape_stride=1,
            num_classes=len(state_dict['final_seg.6.weight']),
        ),
        test_cfg=dict(mode='whole'),
    )


def _backbone_renames() -> tuple[tuple[str, str], ...]:
    block, ours = r'mod(\d)\.block(\d)\.', r'backbone.stage\1.block\2.'
    renames = [(r'mod1\.conv1\.(.+)', r'backbone.stem.\1')]
    for number in (1, 2, 3):
        place = number - 1
        renames += [
            (rf'{block}(?:convs\.)?bn{number}\.0\.(.+)', rf'{ours}norms.{place}.\3'),
            (rf'{block}convs\.conv{number}\.(.+)', rf'{ours}convs.{place}.\3'),
        ]
    return (*renames, (rf'{block}proj_conv\.(.+)', rf'{ours}project.\3'))


def _head_renames() -> tuple[tuple[str, str], ...]:
    renames = []
    for place, level in enumerate((3, 4, 7)):
        number = place + 1
        renames += [
            (rf'dsn{level}\.(.+)', rf'{STREAM}gate_convs.{place}.\1'),
            (rf'res{number}\.(.+)', rf'{STREAM}blocks.{place}.\1'),
            (rf'd{number}\.(.+)', rf'{STREAM}reductions.{place}.\1'),
            (rf'gate{number}\.weight', f'{STREAM}gates.{place}.conv.weight'),
        ]
        for index, part in GATE_PARTS.items():
            official = rf'gate{number}\._gate_conv\.{index}\.(.+)'
            renames.append((official, rf'{STREAM}gates.{place}.{part}.\1'))
    for index, layer in enumerate(('conv', 'bn')):
        renames += [
            (rf'aspp\.features\.(\d)\.{index}\.(.+)', rf'{HEAD}aspp.branches.\1.{layer}.\2'),
            (rf'aspp\.img_conv\.{index}\.(.+)', rf'{HEAD}aspp.image.{layer}.\1'),
            (rf'aspp\.edge_conv\.{index}\.(.+)', rf'{HEAD}aspp.edge.{layer}.\1'),
        ]
    renames += [(rf'{re.escape(key)}\.(.+)', rf'{ours}.\1') for key, ours in PARTS.items()]
    return tuple(renames)


def _network(state_dict: StateDict) -> StateDict:
    with torch.device('meta'):
        return MODELS.build(segmentor_config(state_dict)).state_dict()


def _backbone(state_dict: StateDict) -> StateDict:
    config = dict(backbone_config(), out_indices=(6,))
    with torch.device('meta'):
        target = MODELS.build(config).state_dict()
    return {f'backbone.{key}': value for key, value in target.items()}


LAYOUTS = (
    Layout(
        name='Gated-SCNN',
        signature='gate1.weight',
        renames=_backbone_renames() + _head_renames(),
        target=_network,
        dead=(r'dsn1\..+',),  # the official program makes this convolution and never calls it
    ),
    Layout(
        name='WideResNet-38',
        signature='mod1.conv1.weight',
        renames=_backbone_renames(),
        target=_backbone,
        dead=(r'bn_out\..+', r'classifier\..+'),
    ),
)
