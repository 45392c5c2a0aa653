# The same network, tested on seen and unseen classes together.
_base_ = './zsi_lite0_fpn_1xb2-1k_own-coco.py'

ann_file = 'annotations/instances_val_gzsi.json'
model = dict(test_cfg=dict(rcnn=dict(mode='generalized')))
val_dataloader = dict(dataset=dict(mode='generalized', ann_file=ann_file))
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=_base_.data_root + ann_file)
test_evaluator = val_evaluator
