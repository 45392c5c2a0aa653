# The pretrained small network, undilated to stride 32, with joint pyramid upsampling.
_base_ = './fcn_lite0-d16.py'

model = dict(
    backbone=dict(output_stride=32),
    neck=dict(
        type='mmfewshot_seg.JointPyramidUpsampling',
        in_channels=(24, 40, 112, 320),
        mid_channels=48,
        start_level=1,
        norm_cfg=dict(type='BN'),
    ),
    decode_head=dict(in_channels=192),
)
