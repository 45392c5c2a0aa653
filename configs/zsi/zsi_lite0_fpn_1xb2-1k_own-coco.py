# Classes and data of your own, on small images and without a GPU.
_base_ = [
    '../_base_/models/zsi_lite0_fpn.py',
    '../_base_/datasets/zsi_own_coco_384.py',
    '../_base_/schedules/adamw_1k.py',
    '../_base_/default_runtime_det_iters.py',
]

model = dict(
    classes=dict(split=_base_.split, word_vectors=_base_.word_vectors, center=True),
    test_cfg=dict(rcnn=dict(mode='unseen')),
)
optim_wrapper = dict(optimizer=dict(lr=5e-4), clip_grad=dict(max_norm=35, norm_type=2))
