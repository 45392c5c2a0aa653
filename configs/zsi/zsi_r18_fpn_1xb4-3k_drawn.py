_base_ = [
    '../_base_/models/zsi_r18_fpn.py',
    '../_base_/datasets/zsi_drawn.py',
    '../_base_/schedules/adamw_2k.py',
    '../_base_/default_runtime_det.py',
]

# From random weights three things differ from the published training. The background begins as the
# mean of the seen classes, which is never the most similar of all: it learns from all losses.
# Features do not shrink to nothing for the sake of a decoder that has learnt nothing yet. And the
# vectors of attributes, which all have much in common, are centred.
model = dict(
    classes=dict(split=_base_.split, word_vectors=_base_.word_vectors, center=True),
    rpn_head=dict(background_grad=True),
    roi_head=dict(
        bbox_head=dict(reconstruction_weight=0.01, unseen_reg='top_seen'),
        mask_head=dict(reconstruction_weight=0.01),
    ),
    test_cfg=dict(rcnn=dict(mode='unseen')),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=100, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=100, end=3000, by_epoch=False),
]
train_cfg = dict(max_iters=3000)
optim_wrapper = dict(clip_grad=dict(max_norm=35, norm_type=2))
default_hooks = dict(
    logger=dict(interval=10, log_metric_by_epoch=False),
    checkpoint=dict(by_epoch=False, interval=500),
)
log_processor = dict(by_epoch=False)
