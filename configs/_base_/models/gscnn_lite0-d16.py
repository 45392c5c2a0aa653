# The pretrained small network with the head of Gated-SCNN, whose shape stream works at half of the
# image.
_base_ = './fcn_lite0-d16.py'

model = dict(
    type='mmfewshot_seg.GatedSCNN',
    decode_head=dict(
        _delete_=True,
        type='mmfewshot_seg.GatedSCNNHead',
        in_channels=(24, 40, 112, 320),
        channels=64,
        shape_channels=(16, 16, 8, 8),
        shape_scale=2,
        skip_channels=16,
        aspp_channels=32,
        dilations=(1, 3, 6, 9),
        num_classes=11,
    ),
)
