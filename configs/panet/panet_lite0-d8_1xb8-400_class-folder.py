_base_ = [
    '../_base_/models/panet_lite0-d8.py',
    '../_base_/datasets/class_folder_224.py',
    '../_base_/schedules/adamw_400_finetune.py',
    '../_base_/default_runtime_seg.py',
]

default_hooks = dict(checkpoint=dict(interval=200), logger=dict(interval=10))
