_base_ = [
    '../_base_/models/zsi_r101_fpn.py',
    '../_base_/datasets/zsi_coco_65_15.py',
    '../_base_/schedules/zsi_1x.py',
    '../_base_/default_runtime_det.py',
]

model = dict(
    classes=dict(
        split='coco_65_15',
        word_vectors='data/coco/word_w2v_withbg_65_15.txt',
        vocabulary='data/coco/vocabulary_w2v.txt',
    ),
    test_cfg=dict(rcnn=dict(mode='unseen')),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1 / 3, end=7000, by_epoch=False),
    dict(type='MultiStepLR', end=12, milestones=[8, 11], gamma=0.1, by_epoch=True),
]
optim_wrapper = dict(optimizer=dict(lr=0.0075))
