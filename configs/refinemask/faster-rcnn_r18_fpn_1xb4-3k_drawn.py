# The detector that the drawn comparison of mask branches starts from.
_base_ = './mask-rcnn_r18_fpn_1xb4-1k_drawn.py'

model = dict(
    type='FasterRCNN',
    roi_head=dict(mask_roi_extractor=None, mask_head=None),
    train_cfg=dict(rcnn=dict(sampler=dict(num=64))),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=50, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=50, end=3000, by_epoch=False),
]
train_cfg = dict(max_iters=3000)
default_hooks = dict(checkpoint=dict(interval=3000))
test_evaluator = dict(metric=['bbox'])
