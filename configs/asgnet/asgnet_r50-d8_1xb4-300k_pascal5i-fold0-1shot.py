_base_ = [
    '../_base_/models/asgnet_r50-d8.py',
    '../_base_/datasets/pascal_5i_asgnet.py',
    '../_base_/schedules/asgnet_300k.py',
    '../_base_/default_runtime_seg.py',
]

# The best of the validations, on the test fold, is the published checkpoint.
default_hooks = dict(
    checkpoint=dict(interval=3000, max_keep_ckpts=1, save_best='mIoU', rule='greater')
)
