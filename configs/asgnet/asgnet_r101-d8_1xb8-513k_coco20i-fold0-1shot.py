_base_ = './asgnet_r50-d8_1xb8-513k_coco20i-fold0-1shot.py'

model = dict(
    backbone=dict(
        depth=101,
        init_cfg=dict(checkpoint='checkpoints/resnet101_v2.pth'),
    )
)
