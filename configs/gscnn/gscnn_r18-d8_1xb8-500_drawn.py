_base_ = [
    '../_base_/models/gscnn_r18-d8.py',
    '../_base_/datasets/drawn_semantic.py',
    '../_base_/schedules/adamw_2k.py',
    '../_base_/default_runtime_semseg.py',
]

model = dict(decode_head=dict(num_classes={{_base_.num_classes}}))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=50, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=50, end=500, by_epoch=False),
]
train_cfg = dict(max_iters=500)
default_hooks = dict(logger=dict(interval=10))
