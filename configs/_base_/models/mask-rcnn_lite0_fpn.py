# The small detector on EfficientNet-Lite0 from ImageNet, whose weights an installed package brings.
# It stays as it is, and the pyramid brings its features, which are large, to one scale. Few images
# teach few classes well: one box and one mask serve all of them.
_base_ = './mask-rcnn_r18_fpn.py'

model = dict(
    data_preprocessor=dict(mean=[127.5] * 3, std=[127.5] * 3),
    backbone=dict(
        _delete_=True,
        type='mmfewshot_seg.TimmEncoder',
        model_name='tf_efficientnet_lite0',
        out_indices=(1, 2, 3, 4),
        frozen_stages=4,
        norm_eval=True,
        init_cfg=dict(type='Pretrained', checkpoint='packaged://efficientnet-lite0'),
    ),
    neck=dict(in_channels=[24, 40, 112, 320], norm_cfg=dict(type='GN', num_groups=16)),
    roi_head=dict(
        bbox_head=dict(reg_class_agnostic=True),
        mask_head=dict(class_agnostic=True),
    ),
    test_cfg=dict(rcnn=dict(max_per_img=100)),
)
