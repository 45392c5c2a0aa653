# FastFCN: undilated backbone, joint pyramid upsampling, an auxiliary head on stage 3. The decode
# head reads 2048 channels at stride 8; leaves say which it is.
_base_ = './resnet-d8.py'
norm_cfg = _base_.norm_cfg
model = dict(
    data_preprocessor=dict(size_divisor=32),
    backbone=dict(
        strides=(1, 2, 2, 2),
        dilations=(1, 1, 1, 1),
        contract_dilation=False,
        out_indices=(1, 2, 3),
    ),
    neck=dict(
        type='mmfewshot_seg.JointPyramidUpsampling',
        in_channels=(512, 1024, 2048),
        mid_channels=512,
        norm_cfg=norm_cfg,
    ),
    decode_head=dict(
        in_channels=2048,
        channels=512,
        num_classes=59,
        norm_cfg=norm_cfg,
        align_corners=True,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
    ),
    auxiliary_head=dict(
        type='FCNHead',
        in_channels=1024,
        in_index=1,
        channels=256,
        num_convs=1,
        concat_input=False,
        num_classes=59,
        norm_cfg=norm_cfg,
        align_corners=True,
        loss_decode=dict(type='CrossEntropyLoss', loss_weight=0.4, avg_non_ignore=True),
    ),
)
