# Residual variant: deep-stem ResNet, stages 1 to 3; stem, stage 1 and all norms frozen.
# The checkpoint is PSPNet's ImageNet file resnet50_v2.pth after
# `python tools/convert_checkpoint.py panet resnet50_v2.pth checkpoints/resnet50_v2.pth`.
_base_ = './panet_vgg16.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmfewshot_seg.SignedResNet',
        depth=50,
        deep_stem=True,
        stem_channels=128,
        num_stages=3,
        strides=(1, 2, 1),
        dilations=(1, 1, 2),
        out_indices=(2,),
        contract_dilation=True,
        frozen_stages=1,
        norm_cfg=dict(type='BN', requires_grad=False),
        norm_eval=True,
        init_cfg=dict(
            type='Pretrained', checkpoint='checkpoints/resnet50_v2.pth', prefix='backbone.'
        ),
    ),
    decode_head=dict(
        scale=10,
        pooling='mask_to_features',
        align_loss='annotated',
        align_weight=0.2,
        align_corners=True,
    ),
)
