_base_ = [
    '../_base_/models/zsd_r101_fpn.py',
    '../_base_/datasets/zsd_coco_65_15.py',
    '../_base_/schedules/zsi_1x_65_15.py',
    '../_base_/default_runtime_det.py',
]

model = dict(classes=_base_.classes, test_cfg=dict(rcnn=dict(mode='unseen')))
