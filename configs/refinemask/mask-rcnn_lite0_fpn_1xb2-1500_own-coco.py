# COCO-format data of your own, on small images and without a GPU.
_base_ = [
    '../_base_/models/mask-rcnn_lite0_fpn.py',
    '../_base_/datasets/own_coco_384.py',
    '../_base_/schedules/adamw_1k.py',
    '../_base_/default_runtime_det_iters.py',
]

max_iters = 1500
model = dict(
    roi_head=dict(
        bbox_head=dict(num_classes=_base_.num_classes),
        mask_head=dict(num_classes=_base_.num_classes),
    )
)
optim_wrapper = dict(optimizer=dict(lr=5e-4), clip_grad=dict(max_norm=35, norm_type=2))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=50, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=50, end=max_iters, by_epoch=False),
]
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
