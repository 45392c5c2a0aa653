# Starts from the weights of faster-rcnn_r18_fpn_1xb4-3k_drawn.py, so that the budget is that of the
# mask branch.
_base_ = [
    '../_base_/models/mask-rcnn_r18_fpn.py',
    '../_base_/datasets/drawn_instance.py',
    '../_base_/schedules/adamw_2k.py',
    '../_base_/default_runtime_det_iters.py',
]

model = dict(
    roi_head=dict(
        bbox_head=dict(num_classes=1),
        mask_head=dict(num_classes=1),
    ),
    train_cfg=dict(rcnn=dict(sampler=dict(num=16))),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=50, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=50, end=1000, by_epoch=False),
]
optim_wrapper = dict(clip_grad=dict(max_norm=35, norm_type=2))
train_cfg = dict(max_iters=1000)
default_hooks = dict(checkpoint=dict(interval=1000))
