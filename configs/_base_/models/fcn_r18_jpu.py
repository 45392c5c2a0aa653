# The small network, its backbone undilated to stride 32, with joint pyramid upsampling.
_base_ = './fcn_r18-d8.py'

model = dict(
    backbone=dict(strides=(1, 2, 2, 2), dilations=(1, 1, 1, 1), contract_dilation=False),
    neck=dict(
        type='mmfewshot_seg.JointPyramidUpsampling',
        in_channels=(24, 48, 96, 192),
        mid_channels=48,
        start_level=1,
        norm_cfg=dict(type='BN'),
    ),
)
