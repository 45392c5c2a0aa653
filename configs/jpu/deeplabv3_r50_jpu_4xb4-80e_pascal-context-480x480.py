_base_ = [
    '../_base_/models/fastfcn_r50.py',
    '../_base_/datasets/pascal_context_480.py',
    '../_base_/schedules/sgd_80e.py',
    '../_base_/default_runtime_semseg_epochs.py',
]

model = dict(decode_head=dict(type='ASPPHead', channels=256, dilations=(1, 12, 24, 36)))
