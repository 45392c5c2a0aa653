_base_ = [
    '../_base_/models/panet_r18-d8.py',
    '../_base_/datasets/drawn.py',
    '../_base_/schedules/adamw_500.py',
    '../_base_/default_runtime_seg.py',
]

default_hooks = dict(logger=dict(interval=10), visualization=dict(interval=10))
