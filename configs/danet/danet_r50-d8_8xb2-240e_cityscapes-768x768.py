_base_ = [
    '../_base_/models/danet_r50-d8.py',
    '../_base_/datasets/cityscapes_768.py',
    '../_base_/schedules/sgd_240e.py',
    '../_base_/default_runtime_semseg_epochs.py',
]

model = dict(test_cfg=dict(mode='slide', crop_size=(768, 768), stride=(512, 512)))
