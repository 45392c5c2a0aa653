_base_ = [
    '../_base_/models/asgnet_r18-d8.py',
    '../_base_/datasets/class_folder.py',
    '../_base_/schedules/adamw_2k.py',
    '../_base_/default_runtime_seg.py',
]

train_cfg = dict(val_interval=500)
val_cfg = dict(type='ValLoop')
default_hooks = dict(checkpoint=dict(interval=500, save_best='mIoU', rule='greater'))
