_base_ = './panet_r50-d8_1xb4-6k_coco20i-fold0-1shot.py'

model = dict(
    backbone=dict(
        depth=101,
        init_cfg=dict(checkpoint='checkpoints/resnet101_v2.pth'),
    )
)
