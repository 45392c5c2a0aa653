# For a pretrained encoder: few steps at a low learning rate, validated at half time and at the end.
_base_ = './adamw_2k.py'

max_iters = 400
optim_wrapper = dict(optimizer=dict(lr=2e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=20, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=20, end=max_iters, by_epoch=False),
]
train_cfg = dict(max_iters=max_iters, val_interval=200)
val_cfg = dict(type='ValLoop')
