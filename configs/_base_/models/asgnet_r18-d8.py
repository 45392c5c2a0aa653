# Small network that learns from scratch on small images: ResNet-18, stages 1 to 3, all trained.
_base_ = './asgnet_r50-d8.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='ResNet',
        depth=18,
        num_stages=3,
        strides=(1, 2, 1),
        dilations=(1, 1, 2),
        out_indices=(1, 2),
    ),
    decode_head=dict(
        in_channels=(128, 256),
        channels=128,
        superpixel_area=10,
        dropout=0.1,
        decoder=dict(scales=(1.0, 0.5, 0.25, 0.125)),
    ),
)
