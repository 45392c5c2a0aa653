# Undilated, with its levels joined at stride 4: the pyramid sees the fused map there, so its rates
# are larger.
_base_ = './gscnn_lite0-d16.py'

model = dict(
    backbone=dict(output_stride=32),
    neck=dict(
        type='mmfewshot_seg.JointPyramidUpsampling',
        in_channels=(24, 40, 112, 320),
        mid_channels=32,
        norm_cfg=dict(type='BN'),
    ),
    decode_head=dict(in_channels=(24, 40, 112, 128), dilations=(1, 6, 12, 18)),
)
