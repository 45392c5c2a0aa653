# Small network that learns from scratch on small images: narrow ResNet-18 at stride 8, all of it
# trained, one convolution and a classifier. Other small heads take this backbone.
_base_ = './resnet-d8.py'
norm_cfg = dict(type='BN')
model = dict(
    backbone=dict(
        depth=18,
        base_channels=24,
        stem_channels=24,
        norm_cfg=dict(_delete_=True, **norm_cfg),
        init_cfg=None,
    ),
    decode_head=dict(
        type='FCNHead',
        in_channels=192,
        channels=64,
        num_convs=1,
        concat_input=False,
        num_classes=11,
        norm_cfg=norm_cfg,
    ),
)
