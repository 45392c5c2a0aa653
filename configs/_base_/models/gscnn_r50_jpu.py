# Undilated ResNet-50, whose levels are joined at stride 4: the pyramid sees the fused map there, so
# its rates are twice those at stride 8.
_base_ = './gscnn_r50-d8.py'

model = dict(
    backbone=dict(strides=(1, 2, 2, 2), dilations=(1, 1, 1, 1), contract_dilation=False),
    neck=dict(
        type='mmfewshot_seg.JointPyramidUpsampling',
        in_channels=(256, 512, 1024, 2048),
        mid_channels=128,
        out='append',
        norm_cfg={{_base_.norm_cfg}},
    ),
    decode_head=dict(in_channels=(256, 512, 1024, 512), dilations=(1, 24, 48, 72)),
)
