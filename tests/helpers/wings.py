"""A tiny model of every wing, in configs whose data is never read."""

from pathlib import Path

import torch
from helpers import refinemask_configs, zeroshot_configs
from helpers.fewshot_models import fewshot_config
from mmengine.config import ConfigDict
from mmengine.registry import DATASETS, init_default_scope
from torch.utils.data import Dataset

from mmfewshot_seg.registry import MODELS

FEW_SHOT = ('panet', 'asgnet', 'dense_matching')
SEMANTIC = ('danet', 'fastfcn', 'gscnn')
INSTANCE = ('refinemask', 'zsi')
WINGS = FEW_SHOT + SEMANTIC + INSTANCE
CONFIG = """
model = __import__('helpers.wings', fromlist=['wing_model']).wing_model('{wing}')
default_scope = '{scope}'
test_dataloader = dict(
    batch_size=1, num_workers=0, dataset=dict(type='NoData'),
    sampler=dict(type='DefaultSampler', shuffle=False))
test_cfg = dict(type='TestLoop')
test_evaluator = dict(type='DumpResults', out_file_path='results.pkl')
"""


@DATASETS.register_module(force=True)
class NoData(Dataset):
    """One sample that is never asked for."""

    metainfo = {}

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int):
        raise AssertionError('data were read although the checkpoint does not fit')


def wing_model(wing: str) -> dict:
    """Config of the model."""
    if wing in FEW_SHOT:
        return fewshot_config(head=wing).model
    if wing == 'refinemask':
        return refinemask_configs.detector(refinemask_configs.roi_head())
    if wing == 'zsi':
        return zeroshot_configs.detector()
    return _semantic(wing)


def _semantic(wing: str) -> dict:
    model = dict(
        type='mmseg.EncoderDecoder',
        data_preprocessor=dict(type='mmseg.SegDataPreProcessor', mean=[120.0] * 3, std=[60.0] * 3),
        backbone=dict(type='mmseg.ResNet', depth=18, base_channels=8, stem_channels=8),
        decode_head=dict(
            type='mmfewshot_seg.DualAttentionHead',
            in_channels=64,
            channels=8,
            pam_channels=2,
            num_classes=3,
        ),
        test_cfg=dict(mode='whole'),
    )
    if wing == 'fastfcn':
        neck = dict(in_channels=[16, 32, 64], mid_channels=4)
        model['neck'] = dict(type='mmfewshot_seg.JointPyramidUpsampling', **neck)
        model['backbone']['out_indices'] = (1, 2, 3)
        head = dict(type='mmseg.FCNHead', in_channels=16, in_index=-1, channels=8, num_classes=3)
        model['decode_head'] = head
    if wing == 'gscnn':
        model['type'] = 'mmfewshot_seg.GatedSCNN'
        model['decode_head'] = dict(
            type='mmfewshot_seg.GatedSCNNHead',
            in_channels=(8, 16, 32, 64),
            channels=8,
            shape_channels=(8, 4, 4, 2),
            skip_channels=4,
            aspp_channels=4,
            dilations=(1, 2),
            num_classes=3,
        )
    return ConfigDict(model)


def wing_weights(wing: str) -> dict:
    """Random weights of the model."""
    init_default_scope(_scope(wing))
    torch.manual_seed(0)
    return MODELS.build(wing_model(wing)).state_dict()


def write_wing_config(wing: str, folder: Path) -> Path:
    """A config file that tests the model."""
    path = folder / f'{wing}.py'
    path.write_text(CONFIG.format(wing=wing, scope=_scope(wing)))
    return path


def _scope(wing: str) -> str:
    return 'mmdet' if wing in INSTANCE else 'mmseg'
