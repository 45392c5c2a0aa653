# Zero-shot instance segmentation as published. What follows from the classes is not stated here: a
# config adds model.classes and model.test_cfg.rcnn.mode.
_base_ = './mask-rcnn_r50_fpn.py'

roi_align = dict(type='RoIAlign', sampling_ratio=2, aligned=False)
model = dict(
    type='mmfewshot_seg.ZeroShotMaskRCNN',
    rpn_head=dict(
        type='mmfewshot_seg.BackgroundAwareRPNHead',
        anchor_generator=dict(type='mmfewshot_seg.V1AnchorGenerator'),
        loss_cls=dict(use_sigmoid=False),
        loss_bbox=dict(_delete_=True, type='SmoothL1Loss', beta=1.0 / 9.0, loss_weight=1.0),
    ),
    roi_head=dict(
        type='mmfewshot_seg.ZeroShotRoIHead',
        bbox_roi_extractor=dict(roi_layer=dict(**roi_align)),
        bbox_head=dict(
            _delete_=True,
            type='mmfewshot_seg.ZeroShotBBoxHead',
            in_channels=256,
            fc_out_channels=1024,
            roi_feat_size=7,
            bbox_coder=dict(type='DeltaXYWHBBoxCoder', target_stds=[0.1, 0.1, 0.2, 0.2]),
            loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0),
            loss_bbox=dict(type='SmoothL1Loss', beta=1.0, loss_weight=1.0),
        ),
        mask_roi_extractor=dict(roi_layer=dict(**roi_align)),
        mask_head=dict(
            _delete_=True,
            type='mmfewshot_seg.SemanticMaskHead',
            in_channels=256,
            conv_out_channels=256,
            loss_mask=dict(type='CrossEntropyLoss', use_mask=True, loss_weight=1.0),
        ),
    ),
    train_cfg=dict(
        # Anchors across the border are not trained on; 0.5, as one may end with the last pixel.
        rpn=dict(allowed_border=0.5),
        rpn_proposal=dict(max_per_img=2000),
    ),
)
