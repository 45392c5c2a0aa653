_base_ = './gscnn_r50-d8_8xb1-175e_cityscapes-720x720.py'

model = dict(
    backbone=dict(
        depth=101, init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://resnet101_v1c')
    )
)
