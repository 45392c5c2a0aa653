_base_ = [
    '../_base_/models/zsi_r101_fpn.py',
    '../_base_/datasets/zsi_coco_48_17.py',
    '../_base_/schedules/zsi_1x.py',
    '../_base_/default_runtime_det.py',
]

model = dict(
    classes=_base_.classes,
    roi_head=dict(mask_head=dict(sync_background=False)),  # as published, but for GZSI
    test_cfg=dict(rcnn=dict(mode='unseen')),
)
