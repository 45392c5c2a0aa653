_base_ = './zsi_r101_fpn_1x_coco-48-17.py'

model = dict(
    backbone=dict(depth=50, init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'))
)
