# ASGNet on the same encoder, of which, as published, nothing is trained.
_base_ = './dense-matching_lite0-d8.py'

model = dict(
    backbone=dict(frozen_stages=4),
    decode_head=dict(
        _delete_=True,
        type='mmfewshot_seg.ASGNetHead',
        in_channels=(112, 320),
        channels=128,
        superpixel_area=25,
        dropout=0.1,
        decoder=dict(type='mmfewshot_seg.FeatureEnrichment', scales=(1.0, 0.5, 0.25, 0.125)),
    ),
)
