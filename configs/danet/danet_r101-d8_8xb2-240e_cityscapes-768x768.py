_base_ = './danet_r50-d8_8xb2-240e_cityscapes-768x768.py'

model = dict(
    backbone=dict(depth=101, init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet101'))
)
