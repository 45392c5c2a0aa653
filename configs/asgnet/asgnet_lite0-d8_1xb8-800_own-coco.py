_base_ = [
    '../_base_/models/asgnet_lite0-d8.py',
    '../_base_/datasets/episodes_own_coco_224.py',
    '../_base_/schedules/adamw_800_head.py',
    '../_base_/default_runtime_seg.py',
]

default_hooks = dict(checkpoint=dict(interval=400), logger=dict(interval=10))
