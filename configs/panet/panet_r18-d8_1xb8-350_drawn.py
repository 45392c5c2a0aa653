_base_ = [
    '../_base_/models/panet_r18-d8.py',
    '../_base_/datasets/drawn.py',
    '../_base_/schedules/adamw_2k.py',
    '../_base_/default_runtime_seg.py',
]

param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=50, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=50, end=350, by_epoch=False),
]
train_cfg = dict(max_iters=350)
default_hooks = dict(logger=dict(interval=10), visualization=dict(interval=10))
