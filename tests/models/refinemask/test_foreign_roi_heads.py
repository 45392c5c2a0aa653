"""RoI heads of mmdet with work of their own: which go with the mask branch, and how."""

import pytest
import torch
from helpers.refinemask_configs import (
    bbox_head,
    cascade_roi_head,
    detector,
    mask_head,
    roi_extractor,
    roi_head,
)
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


def _grid(**options) -> dict:
    return roi_head(
        type='mmfewshot_seg.GridRefineRoIHead',
        bbox_head=bbox_head(with_reg=False),
        grid_roi_extractor=roi_extractor(14),
        grid_head=dict(
            type='mmdet.GridHead',
            grid_points=9,
            num_convs=2,
            in_channels=16,
            point_feat_channels=4,
            norm_cfg=dict(type='GN', num_groups=9),
        ),
        **options,
    )


def _htc(**options) -> dict:
    return cascade_roi_head(type='mmfewshot_seg.HybridTaskCascadeRefineRoIHead', **options)


def _semantic() -> dict:
    return dict(
        semantic_roi_extractor=roi_extractor(14, featmap_strides=[8]),
        semantic_head=dict(
            type='mmdet.FusedSemanticHead',
            num_ins=5,
            fusion_level=1,
            num_convs=1,
            in_channels=16,
            conv_out_channels=16,
            num_classes=6,
        ),
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
        (_grid(), dict(pos_radius=1, max_num_grid=8)),
        (_htc(), {}),
        (_htc(interleaved=False, mask_head=[mask_head(), mask_head()]), {}),
        (_htc(**_semantic()), {}),
    ],
    ids=['dynamic', 'double', 'pisa', 'grid', 'htc', 'htc-heads', 'htc-semantic'],
)
def test_what_goes_together(head, train_cfg) -> None:
    torch.manual_seed(0)
    config = detector(head)
    config.test_cfg.rcnn.mask_thr_binary = -1  # probabilities, as bytes
    for rcnn in [config.train_cfg.rcnn] if train_cfg else []:
        rcnn.update(ConfigDict(train_cfg))
    model = MODELS.build(config).train()
    shapes, semantic = [(3, 96, 96)] * 2, 'semantic_head' in head
    inputs = demo_mm_inputs(2, shapes, num_classes=4, with_mask=True, with_semantic=semantic)
    data = model.data_preprocessor(inputs, training=True)
    losses = model(**data, mode='loss')
    total, log = model.parse_losses(losses)
    total.backward()
    assert total.isfinite() and log.keys() >= _expected_losses(head)
    missing = {n for n, p in model.named_parameters() if p.requires_grad and p.grad is None}
    assert not missing
    model.eval()
    with torch.no_grad():
        found, _ = model.test_step(inputs)
        data = model.data_preprocessor(inputs, training=False)
        ((scores, *_),) = model(**data, mode='tensor')
    instances = found.pred_instances
    assert len(instances) > 0 and instances.masks.shape == (len(instances), 96, 96)
    assert instances.masks.any() and len(scores) > 0
    for mask, box in zip(instances.masks, instances.bboxes, strict=True):
        left, top = (max(int(side) - 1, 0) for side in box[:2])
        right, bottom = (int(side) + 2 for side in box[2:])
        assert mask[top:bottom, left:right].sum() == mask.sum(), (box, mask.nonzero())


def _expected_losses(head: dict) -> set[str]:
    """Those of the masks, in a cascade of the last stage, and those of the boxes and their own."""
    stage = 's1.' if 'num_stages' in head else ''
    names = {f'{stage}loss_instance', f'{stage}loss_semantic', f'{stage}loss_cls'}
    if isinstance(head.get('mask_head'), list):
        names.add('s0.loss_instance')
    if 'semantic_head' in head:
        names.add('loss_semantic_seg')
    return names | {'loss_grid' if 'grid_head' in head else f'{stage}loss_bbox'}


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
            'of MaskScoringRoIHead, expected none of it: its scores are those of',
        ),
        (roi_head(point_head={}), 'point_head, which is of PointRendRoIHead'),
        (
            roi_head(grid_head={}),
            'grid_head, which is of GridRoIHead, expected that of GridRefineRoIHead',
        ),
        (
            cascade_roi_head(interleaved=True),
            'of HybridTaskCascadeRoIHead, expected that of HybridTaskCascadeRefineRoIHead',
        ),
        (_htc(mask_info_flow=True), 'mask_info_flow=True, expected False: heads of RefineMask'),
        (_htc(semantic_fusion=('bbox', 'mask')), r"\('bbox', 'mask'\), expected \('bbox',\)"),
        (cascade_roi_head(proposal_feature_channel=4), 'of SparseRoIHead, expected none'),
        (cascade_roi_head(glbctx_head={}), 'glbctx_head, which is of SCNetRoIHead'),
        (roi_head(type=ScoringRefine, mask_iou_head={}), 'MaskScoringRoIHead, expected none of it'),
    ],
)
def test_what_would_be_left_undone(config, message) -> None:
    with pytest.raises(ValueError, match=message):
        MODELS.build(config)
