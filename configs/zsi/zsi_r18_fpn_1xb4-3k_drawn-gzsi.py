# The same network, tested on seen and unseen classes together.
_base_ = './zsi_r18_fpn_1xb4-3k_drawn.py'

ann_file = 'annotations/instances_test_gzsi.json'
model = dict(test_cfg=dict(rcnn=dict(mode='generalized')))
test_dataloader = dict(dataset=dict(mode='generalized', ann_file=ann_file))
test_evaluator = dict(ann_file=_base_.data_root + ann_file)
