# The small network with the head of DANet.
_base_ = './fcn_r18-d8.py'

model = dict(
    decode_head=dict(
        _delete_=True,
        type='mmfewshot_seg.DualAttentionHead',
        in_channels=192,
        channels=64,
        num_classes=11,
        norm_cfg=dict(type='BN'),
        align_corners=True,
    )
)
