# The pretrained small network with the head of DANet.
_base_ = './fcn_lite0-d16.py'

model = dict(
    decode_head=dict(
        _delete_=True,
        type='mmfewshot_seg.DualAttentionHead',
        in_channels=320,
        channels=64,
        num_classes=11,
        norm_cfg=dict(type='BN'),
        align_corners=True,
    )
)
