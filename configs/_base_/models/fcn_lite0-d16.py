# The small network on EfficientNet-Lite0, which brings what it has learnt on ImageNet: its stem and
# first stage stay as they are, and so do the statistics of all its norms. Stride 16 takes a third
# of the time of stride 8.
_base_ = './fcn_r18-d8.py'

model = dict(
    data_preprocessor=dict(mean=[127.5] * 3, std=[127.5] * 3),
    backbone=dict(
        _delete_=True,
        type='mmfewshot_seg.TimmEncoder',
        model_name='tf_efficientnet_lite0',
        out_indices=(1, 2, 3, 4),
        output_stride=16,
        frozen_stages=1,
        norm_eval=True,
        init_cfg=dict(type='Pretrained', checkpoint='packaged://efficientnet-lite0'),
    ),
    decode_head=dict(in_channels=320),
)
