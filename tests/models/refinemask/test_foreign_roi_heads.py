"""RoI heads of mmdet with work of their own: which go with the mask branch, and how."""

import pytest
import torch
from helpers.refinemask_configs import bbox_head, cascade_roi_head, detector, roi_head
from mmdet.models.roi_heads import (
    DoubleHeadRoIHead,
    DynamicRoIHead,
    MaskScoringRoIHead,
    PISARoIHead,
)
from mmdet.testing import demo_mm_inputs
from mmengine.config import ConfigDict

from mmfewshot_seg.models.refinemask import RefineRoIHead
from mmfewshot_seg.registry import MODELS

DYNAMIC = dict(iou_topk=5, beta_topk=5, update_iter_interval=1, initial_iou=0.4, initial_beta=1.0)
HLR = dict(type='mmdet.ScoreHLRSampler', num=16, pos_fraction=0.25, add_gt_as_proposals=True)
SMOOTH_L1 = dict(type='mmdet.SmoothL1Loss')


class DynamicRefine(RefineRoIHead, DynamicRoIHead):
    pass


class DoubleRefine(RefineRoIHead, DoubleHeadRoIHead):
    pass


class PISARefine(RefineRoIHead, PISARoIHead):
    pass


class ScoringRefine(RefineRoIHead, MaskScoringRoIHead):
    pass


def _double_head() -> dict:
    return dict(
        type='mmdet.DoubleConvFCBBoxHead',
        num_convs=1,
        num_fcs=1,
        in_channels=16,
        conv_out_channels=16,
        fc_out_channels=16,
        roi_feat_size=7,
        num_classes=4,
    )


@pytest.mark.parametrize(
    ('head', 'train_cfg'),
    [
        (
            roi_head(type=DynamicRefine, bbox_head=bbox_head(loss_bbox=SMOOTH_L1)),
            dict(dynamic_rcnn=DYNAMIC),
        ),
        (roi_head(type=DoubleRefine, bbox_head=_double_head(), reg_roi_scale_factor=1.3), {}),
        (
            roi_head(type=PISARefine, bbox_head=bbox_head(loss_bbox=SMOOTH_L1)),
            dict(sampler=HLR, isr=dict(k=2, bias=0), carl=dict(k=1, bias=0.2)),
        ),
    ],
    ids=['dynamic', 'double', 'pisa'],
)
def test_what_goes_together(head, train_cfg) -> None:
    torch.manual_seed(0)
    config = detector(head)
    config.train_cfg.rcnn.update(ConfigDict(train_cfg))
    model = MODELS.build(config)
    inputs = demo_mm_inputs(2, [(3, 96, 96)] * 2, num_classes=4, with_mask=True)
    data = model.data_preprocessor(inputs, training=True)
    losses = model(**data, mode='loss')
    assert {'loss_instance', 'loss_semantic', 'loss_bbox'} <= losses.keys()
    assert all(
        torch.isfinite(torch.as_tensor(sum(v) if isinstance(v, list) else v)).all()
        for v in losses.values()
    )
    model.eval()
    with torch.no_grad():
        found, _ = model.test_step(inputs)
    assert len(found.pred_instances.masks) == len(found.pred_instances)


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        (
            roi_head(reg_roi_scale_factor=1.3),
            r'reg_roi_scale_factor, which is of DoubleHeadRoIHead, expected .*'
            r'class MyRoIHead\(RefineRoIHead, DoubleHeadRoIHead\): pass',
        ),
        (
            roi_head(train_cfg=ConfigDict(dynamic_rcnn=DYNAMIC)),
            'dynamic_rcnn, which is of DynamicRoI',
        ),
        (roi_head(train_cfg=ConfigDict(carl=dict(k=1))), 'carl, which is of PISARoIHead'),
        (
            roi_head(mask_iou_head={}),
            'of MaskScoringRoIHead, expected none of it: what it does with',
        ),
        (roi_head(point_head={}), 'point_head, which is of PointRendRoIHead'),
        (roi_head(grid_head={}), 'grid_head, which is of GridRoIHead'),
        (
            cascade_roi_head(mask_info_flow=True),
            'which is of HybridTaskCascadeRoIHead, expected none',
        ),
        (cascade_roi_head(glbctx_head={}), 'glbctx_head, which is of SCNetRoIHead'),
        (roi_head(type=ScoringRefine, mask_iou_head={}), 'MaskScoringRoIHead, expected none of it'),
    ],
)
def test_what_would_be_left_undone(config, message) -> None:
    with pytest.raises(ValueError, match=message):
        MODELS.build(config)
