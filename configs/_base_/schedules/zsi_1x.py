# 12 passes as published for the split 48/17: a learning rate of 0.01 for 8 images a step.
_base_ = './det_1x.py'

param_scheduler = [
    dict(type='LinearLR', start_factor=1 / 3, end=500, by_epoch=False),
    dict(type='MultiStepLR', end=12, milestones=[8, 11], gamma=0.1, by_epoch=True),
]
optim_wrapper = dict(optimizer=dict(lr=0.01))
auto_scale_lr = dict(base_batch_size=8)
