"""Tiny RefineMask detectors: ResNet-18 of width 8, a pyramid of 16 channels."""

from mmengine.config import ConfigDict

CHANNELS = 16


def mask_head(**options) -> dict:
    config = dict(
        type='mmfewshot_seg.RefineMaskHead',
        num_classes=4,
        in_channels=CHANNELS,
        num_convs_instance=1,
        num_convs_semantic=1,
        instance_channels=32,
        semantic_channels=8,
        stage_sup_size=(7, 14, 28, 56),
    )
    return dict(config, **options)


def simple_mask_head(**options) -> dict:
    return mask_head(type='mmfewshot_seg.SimpleRefineMaskHead', **options)


def roi_extractor(size: int, **options) -> dict:
    config = dict(
        type='mmdet.SingleRoIExtractor',
        roi_layer=dict(type='RoIAlign', output_size=size, sampling_ratio=0),
        out_channels=CHANNELS,
        featmap_strides=[4, 8, 16, 32],
    )
    return dict(config, **options)


def bbox_head(**options) -> dict:
    config = dict(
        type='mmdet.Shared2FCBBoxHead',
        in_channels=CHANNELS,
        fc_out_channels=16,
        roi_feat_size=7,
        num_classes=4,
    )
    return dict(config, **options)


def roi_head(**options) -> dict:
    config = dict(
        type='mmfewshot_seg.RefineRoIHead',
        bbox_roi_extractor=roi_extractor(7),
        bbox_head=bbox_head(),
        mask_roi_extractor=roi_extractor(7),
        mask_head=mask_head(),
    )
    return dict(config, **options)


def cascade_roi_head(**options) -> dict:
    config = roi_head(
        type='mmfewshot_seg.CascadeRefineRoIHead',
        num_stages=2,
        stage_loss_weights=[1, 0.5],
        bbox_head=bbox_head(reg_class_agnostic=True),
    )
    return dict(config, **options)


def _rcnn_train_cfg() -> dict:
    return dict(
        assigner=dict(
            type='mmdet.MaxIoUAssigner',
            pos_iou_thr=0.5,
            neg_iou_thr=0.5,
            min_pos_iou=0.5,
            match_low_quality=True,
        ),
        sampler=dict(
            type='mmdet.RandomSampler',
            num=16,
            pos_fraction=0.25,
            add_gt_as_proposals=True,
        ),
        pos_weight=-1,
    )


def detector(roi_head: dict) -> ConfigDict:
    """Mask R-CNN, or Cascade R-CNN where the RoI head has stages."""
    num_stages = roi_head.get('num_stages')
    rcnn = _rcnn_train_cfg()
    proposals = dict(nms_pre=100, max_per_img=20, nms=dict(type='nms', iou_threshold=0.7))
    return ConfigDict(
        type='mmdet.CascadeRCNN' if num_stages else 'mmdet.MaskRCNN',
        data_preprocessor=dict(
            type='mmdet.DetDataPreprocessor', pad_mask=True, pad_size_divisor=32
        ),
        backbone=dict(type='mmdet.ResNet', depth=18, base_channels=8, stem_channels=8),
        neck=dict(type='mmdet.FPN', in_channels=[8, 16, 32, 64], out_channels=CHANNELS, num_outs=5),
        rpn_head=dict(
            type='mmdet.RPNHead',
            in_channels=CHANNELS,
            feat_channels=CHANNELS,
            anchor_generator=dict(
                type='mmdet.AnchorGenerator',
                scales=[8],
                ratios=[0.5, 1.0, 2.0],
                strides=[4, 8, 16, 32, 64],
            ),
        ),
        roi_head=roi_head,
        train_cfg=dict(
            rpn=dict(
                assigner=dict(
                    type='mmdet.MaxIoUAssigner',
                    pos_iou_thr=0.7,
                    neg_iou_thr=0.3,
                    min_pos_iou=0.3,
                ),
                sampler=dict(
                    type='mmdet.RandomSampler',
                    num=32,
                    pos_fraction=0.5,
                    add_gt_as_proposals=False,
                ),
                allowed_border=-1,
                pos_weight=-1,
            ),
            rpn_proposal=proposals,
            rcnn=[rcnn] * num_stages if num_stages else rcnn,
        ),
        test_cfg=dict(
            rpn=proposals,
            rcnn=dict(
                score_thr=0.0,
                nms=dict(type='nms', iou_threshold=0.5),
                max_per_img=5,
                mask_thr_binary=0.5,
            ),
        ),
    )
