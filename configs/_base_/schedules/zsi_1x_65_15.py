# As published for the split 65/15.
_base_ = './zsi_1x.py'

param_scheduler = [
    dict(type='LinearLR', start_factor=1 / 3, end=7000, by_epoch=False),
    dict(type='MultiStepLR', end=12, milestones=[8, 11], gamma=0.1, by_epoch=True),
]
optim_wrapper = dict(optimizer=dict(lr=0.0075))
