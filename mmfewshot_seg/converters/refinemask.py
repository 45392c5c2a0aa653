"""RefineMask: the official detectors. Nothing is renamed, since mmdet kept its names."""

import torch
from mmengine.config import ConfigDict

from mmfewshot_seg.converters.checkpoint import Layout, StateDict
from mmfewshot_seg.converters.resnet_depth import count_children, resnet_depth
from mmfewshot_seg.registry import MODELS

MASK_HEAD = 'roi_head.mask_head'


def mask_head_config(state_dict: StateDict) -> dict:
    """Config of the mask head of an official file; its keys begin with ``roi_head.mask_head``."""
    stages = range(count_children(state_dict, f'{MASK_HEAD}.stages.'))
    simple = f'{MASK_HEAD}.stage_instance_logits.0.weight' in state_dict
    if simple:
        names = [f'stage_instance_logits.{stage}' for stage in (*stages, len(stages))]
    else:
        names = [f'stages.{stage}.instance_logits' for stage in stages] + ['final_instance_logits']
    classes = [len(state_dict[f'{MASK_HEAD}.{name}.bias']) for name in names]
    channels, in_channels = state_dict[f'{MASK_HEAD}.instance_convs.0.conv.weight'].shape[:2]
    weights = [0.5, *[0.75] * (len(stages) - 1), 1.0] if simple else [1.0] * len(classes)
    return dict(
        type=f'mmfewshot_seg.{"SimpleRefineMaskHead" if simple else "RefineMaskHead"}',
        num_classes=max(classes),
        in_channels=in_channels,
        num_convs_instance=count_children(state_dict, f'{MASK_HEAD}.instance_convs.'),
        num_convs_semantic=count_children(state_dict, f'{MASK_HEAD}.semantic_convs.'),
        instance_channels=channels,
        semantic_channels=len(state_dict[f'{MASK_HEAD}.semantic_convs.0.conv.bias']),
        stage_sup_size=[14 << stage for stage in range(len(classes))],
        stage_num_classes=classes,
        loss_mask=dict(
            type=f'mmfewshot_seg.{"BAR" if simple else "Refine"}CrossEntropyLoss',
            stage_instance_loss_weight=weights,
        ),
    )


def detector_config(state_dict: StateDict) -> ConfigDict:
    """Config of the detector of an official file, for inference.

    Raises:
        ValueError: If the backbone is neither ResNet-50 nor ResNet-101.
    """
    num_classes = len(state_dict['roi_head.bbox_head.fc_cls.bias']) - 1  # background is last
    nms = dict(type='nms', iou_threshold=0.7)
    config = dict(
        type='mmdet.MaskRCNN',
        data_preprocessor=dict(type='mmdet.DetDataPreprocessor'),
        backbone=dict(type='mmdet.ResNet', depth=resnet_depth(state_dict, 'backbone.')),
        neck=dict(
            type='mmdet.FPN', in_channels=[256, 512, 1024, 2048], out_channels=256, num_outs=5
        ),
        rpn_head=dict(
            type='mmdet.RPNHead',
            in_channels=256,
            feat_channels=256,
            anchor_generator=dict(
                type='mmdet.AnchorGenerator',
                scales=[8],
                ratios=[0.5, 1.0, 2.0],
                strides=[4, 8, 16, 32, 64],
            ),
        ),
        roi_head=dict(
            type='mmfewshot_seg.RefineRoIHead',
            bbox_roi_extractor=_roi_extractor(7),
            bbox_head=dict(type='mmdet.Shared2FCBBoxHead', num_classes=num_classes),
            mask_roi_extractor=_roi_extractor(14),
            mask_head=mask_head_config(state_dict),
        ),
        train_cfg=None,
        test_cfg=dict(
            rpn=dict(nms_pre=1000, max_per_img=1000, nms=nms, min_bbox_size=0),
            rcnn=dict(
                score_thr=0.05,
                nms=dict(type='nms', iou_threshold=0.5),
                max_per_img=100,
                mask_thr_binary=0.5,
            ),
        ),
    )
    return ConfigDict(config)


def _roi_extractor(size: int) -> dict:
    return dict(
        type='mmdet.SingleRoIExtractor',
        roi_layer=dict(type='RoIAlign', output_size=size, sampling_ratio=0),
        out_channels=256,
        featmap_strides=[4, 8, 16, 32],
    )


def _target(state_dict: StateDict) -> StateDict:
    with torch.device('meta'):
        return MODELS.build(detector_config(state_dict)).state_dict()


LAYOUTS = (
    Layout(
        name='RefineMask detector',
        signature=f'{MASK_HEAD}.semantic_convs.0.conv.weight',
        renames=((r'((backbone|neck|rpn_head|roi_head)\..+)', r'\1'),),
        target=_target,
    ),
)
