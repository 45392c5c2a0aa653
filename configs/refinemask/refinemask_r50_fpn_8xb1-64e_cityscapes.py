_base_ = [
    '../_base_/models/refinemask_r50_fpn.py',
    '../_base_/datasets/cityscapes_instance.py',
    '../_base_/schedules/det_1x.py',
    '../_base_/default_runtime_det.py',
]

model = dict(
    roi_head=dict(
        bbox_head=dict(num_classes=8, loss_bbox=dict(type='SmoothL1Loss', beta=1.0)),
        mask_head=dict(num_classes=8),
    )
)
train_cfg = dict(max_epochs=8)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, end=500, by_epoch=False),
    dict(type='MultiStepLR', end=8, milestones=[7], gamma=0.1, by_epoch=True),
]
optim_wrapper = dict(optimizer=dict(lr=0.01))
auto_scale_lr = dict(base_batch_size=8)
