# The detector that the comparison of mask branches starts from.
_base_ = './mask-rcnn_lite0_fpn_1xb2-1500_own-coco.py'

max_iters = 3000
model = dict(
    type='FasterRCNN',
    roi_head=dict(mask_roi_extractor=None, mask_head=None),
    train_cfg=dict(rcnn=dict(sampler=dict(num=64))),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=50, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=50, end=max_iters, by_epoch=False),
]
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
val_evaluator = dict(metric=['bbox'])
test_evaluator = val_evaluator
