# Mask R-CNN on a pyramid made of one fused map of stride 8, in place of FPN. Anchors have the sizes
# of FPN's; RoIs of side 112 and above see the stride they see there.
_base_ = './mask-rcnn_r50_fpn.py'

featmap_strides = [8, 16, 32, 64]
model = dict(
    neck=dict(
        _delete_=True,
        type='mmfewshot_seg.JointPyramidUpsampling',
        in_channels=(256, 512, 1024, 2048),
        mid_channels=128,
        start_level=1,
        out='pyramid',
        out_channels=256,
        num_outs=5,
        norm_cfg=dict(type='GN', num_groups=32),
    ),
    rpn_head=dict(anchor_generator=dict(scales=[4], strides=[8, 16, 32, 64, 128])),
    roi_head=dict(
        bbox_roi_extractor=dict(finest_scale=112, featmap_strides=featmap_strides),
        mask_roi_extractor=dict(finest_scale=112, featmap_strides=featmap_strides),
    ),
)
