_base_ = [
    '../_base_/models/zsi_r18_fpn.py',
    '../_base_/datasets/zsi_drawn.py',
    '../_base_/schedules/adamw_2k.py',
    '../_base_/default_runtime_det_iters.py',
]

# Vectors of attributes have much in common: they are centred.
model = dict(
    classes=dict(split=_base_.split, word_vectors=_base_.word_vectors, center=True),
    test_cfg=dict(rcnn=dict(mode='unseen')),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=100, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=100, end=3000, by_epoch=False),
]
train_cfg = dict(max_iters=3000)
optim_wrapper = dict(clip_grad=dict(max_norm=35, norm_type=2))
