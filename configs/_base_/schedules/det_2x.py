_base_ = './det_1x.py'

train_cfg = dict(max_epochs=24)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, end=500, by_epoch=False),
    dict(type='MultiStepLR', end=24, milestones=[16, 22], gamma=0.1, by_epoch=True),
]
