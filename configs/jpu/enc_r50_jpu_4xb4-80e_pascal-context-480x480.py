_base_ = [
    '../_base_/models/fastfcn_r50.py',
    '../_base_/datasets/pascal_context_480.py',
    '../_base_/schedules/sgd_80e.py',
    '../_base_/default_runtime_semseg_epochs.py',
]

model = dict(
    decode_head=dict(
        type='EncHead',
        in_channels=[512, 1024, 2048],
        in_index=(0, 1, 2),
        num_codes=32,
        use_se_loss=True,
        add_lateral=False,
        loss_se_decode=dict(type='CrossEntropyLoss', use_sigmoid=True, loss_weight=0.2),
    ),
    auxiliary_head=dict(loss_decode=dict(loss_weight=0.2)),
)
