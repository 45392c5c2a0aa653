# Small network that learns from scratch on small images: narrow ResNet-18, all of it trained,
# narrow pyramid, few proposals.
#
# From random weights three things differ from the published training. The background begins as the
# mean of the seen classes, which is never the most similar of all: it learns from all losses.
# Features do not shrink to nothing for the sake of a decoder that has learnt nothing yet. And boxes
# of unseen classes are those of the most probable seen class.
_base_ = './zsi_r50_fpn.py'

channels = 64
model = dict(
    backbone=dict(depth=18, base_channels=32, frozen_stages=-1, norm_eval=False, init_cfg=None),
    neck=dict(in_channels=[32, 64, 128, 256], out_channels=channels),
    rpn_head=dict(
        in_channels=channels,
        feat_channels=channels,
        anchor_generator=dict(scales=[4]),
        background_grad=True,
    ),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=channels),
        bbox_head=dict(
            in_channels=channels,
            fc_out_channels=256,
            reconstruction_weight=0.01,
            unseen_reg='top_seen',
        ),
        mask_roi_extractor=dict(out_channels=channels),
        mask_head=dict(
            in_channels=channels, conv_out_channels=channels, reconstruction_weight=0.01
        ),
    ),
    train_cfg=dict(
        rpn=dict(allowed_border=-1),
        rpn_proposal=dict(nms_pre=500, max_per_img=200),
        rcnn=dict(sampler=dict(num=32)),
    ),
    test_cfg=dict(rpn=dict(nms_pre=500, max_per_img=100), rcnn=dict(max_per_img=30)),
)
