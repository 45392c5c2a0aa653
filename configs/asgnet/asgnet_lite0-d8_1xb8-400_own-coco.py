_base_ = [
    '../_base_/models/asgnet_lite0-d8.py',
    '../_base_/datasets/episodes_own_coco_224.py',
    '../_base_/schedules/adamw_400_finetune.py',
    '../_base_/default_runtime_seg.py',
]

optim_wrapper = dict(optimizer=dict(lr=1e-3))  # nothing that is trained was pretrained
default_hooks = dict(checkpoint=dict(interval=200), logger=dict(interval=10))
