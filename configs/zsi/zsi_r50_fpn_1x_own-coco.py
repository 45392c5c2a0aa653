# Classes and data of your own, in the folder of the environment variable OWN_COCO.
_base_ = [
    '../_base_/models/zsi_r50_fpn.py',
    '../_base_/datasets/zsi_own_coco.py',
    '../_base_/schedules/zsi_1x.py',
    '../_base_/default_runtime_det.py',
]

model = dict(
    classes=dict(split=_base_.split, word_vectors=_base_.word_vectors),
    # both: see docs/zero_shot.md
    rpn_head=dict(background_grad=True),
    roi_head=dict(bbox_head=dict(unseen_reg='top_seen')),
    test_cfg=dict(rcnn=dict(mode='unseen')),
)
