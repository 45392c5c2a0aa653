_base_ = './asgnet_r50-d8_1xb4-300k_pascal5i-fold0-1shot.py'

model = dict(
    backbone=dict(
        depth=101,
        init_cfg=dict(checkpoint='checkpoints/resnet101_v2.pth'),
    )
)
