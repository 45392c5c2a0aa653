# The same network, tested on seen and unseen classes together.
_base_ = './zsi_r101_fpn_1x_coco-48-17.py'

ann_file = 'annotations/instances_val2014_gzsi_48_17.json'
model = dict(
    roi_head=dict(mask_head=dict(sync_background=True)),
    test_cfg=dict(rcnn=dict(mode='generalized')),
)
val_dataloader = dict(dataset=dict(mode='generalized', ann_file=ann_file))
test_dataloader = val_dataloader
val_evaluator = dict(ann_file='data/coco/' + ann_file)
test_evaluator = val_evaluator
