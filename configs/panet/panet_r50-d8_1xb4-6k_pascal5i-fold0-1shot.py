_base_ = [
    '../_base_/models/panet_r50-d8.py',
    '../_base_/datasets/pascal_5i_473.py',
    '../_base_/schedules/panet_6k.py',
    '../_base_/default_runtime_seg.py',
]

# The best of the validations is the published checkpoint.
default_hooks = dict(
    checkpoint=dict(interval=300, max_keep_ckpts=1, save_best='mIoU', rule='greater')
)
