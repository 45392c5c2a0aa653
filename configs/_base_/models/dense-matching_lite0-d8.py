# Dense matching without any training, on ImageNet's EfficientNet-Lite0 at stride 8: the levels of
# strides 16 and 32, dilated.
model = dict(
    type='mmfewshot_seg.FewShotSegmentor',
    data_preprocessor=dict(
        type='mmfewshot_seg.EpisodeDataPreProcessor',
        mean=[127.5] * 3,
        std=[127.5] * 3,
        bgr_to_rgb=True,
    ),
    backbone=dict(
        type='mmfewshot_seg.TimmEncoder',
        model_name='tf_efficientnet_lite0',
        out_indices=(3, 4),
        output_stride=8,
        norm_eval=True,
        init_cfg=dict(type='Pretrained', checkpoint='packaged://efficientnet-lite0'),
    ),
    # Usual presence in images without and with a class, on the validation classes of
    # docs/learning.md.
    decode_head=dict(type='mmfewshot_seg.DenseMatchingHead', presence_levels=(0.13, 0.31)),
)
