# A small network from random weights on small images, for a first try without a GPU.
_base_ = [
    '../_base_/models/zsi_r18_fpn.py',
    '../_base_/datasets/zsi_own_coco_384.py',
    '../_base_/schedules/adamw_2k.py',
    '../_base_/default_runtime_det.py',
]

model = dict(
    classes=dict(split=_base_.split, word_vectors=_base_.word_vectors),
    test_cfg=dict(rcnn=dict(mode='unseen')),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=50, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=50, end=300, by_epoch=False),
]
optim_wrapper = dict(clip_grad=dict(max_norm=35, norm_type=2))
train_cfg = dict(max_iters=300, val_interval=300)
val_cfg = dict(type='ValLoop')
default_hooks = dict(
    logger=dict(interval=10, log_metric_by_epoch=False),
    checkpoint=dict(by_epoch=False, interval=100),
)
log_processor = dict(by_epoch=False)
