# DANet as published: ResNet at stride 8, dilations 4, 8, 16 in its last stage, three losses.
_base_ = './resnet-d8.py'
model = dict(
    backbone=dict(
        type='ResNet',
        multi_grid=(4, 8, 16),
        init_cfg=dict(checkpoint='torchvision://resnet50'),
    ),
    decode_head=dict(
        type='mmfewshot_seg.DualAttentionHead',
        in_channels=2048,
        channels=512,
        pam_channels=64,
        num_classes=19,
        norm_cfg=_base_.norm_cfg,
        align_corners=True,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
    ),
)
