# ASGNet: frozen deep-stem ResNet, stages 1 to 3, of which 2 and 3 are used; the head is trained.
# The checkpoint is PSPNet's ImageNet file resnet50_v2.pth after
# `python tools/convert_checkpoint.py asgnet resnet50_v2.pth checkpoints/resnet50_v2.pth`.
# In the official program the statistics of the backbone drift in training: that is norm_eval=False
# with separate_calls=True of the model.
_base_ = './panet_vgg16.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmfewshot_seg.FrozenResNet',
        depth=50,
        deep_stem=True,
        stem_channels=128,
        num_stages=3,
        strides=(1, 2, 1),
        dilations=(1, 1, 2),
        out_indices=(1, 2),
        norm_eval=True,
        init_cfg=dict(
            type='Pretrained', checkpoint='checkpoints/resnet50_v2.pth', prefix='backbone.'
        ),
    ),
    decode_head=dict(
        _delete_=True,
        type='mmfewshot_seg.ASGNetHead',
        decoder=dict(type='mmfewshot_seg.FeatureEnrichment', scales=(60, 30, 15, 8)),
    ),
)
