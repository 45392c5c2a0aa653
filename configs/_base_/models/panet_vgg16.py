# PANet: VGG-16, every layer trained, 20 * cosine.
model = dict(
    type='mmfewshot_seg.FewShotSegmentor',
    data_preprocessor=dict(
        type='mmfewshot_seg.EpisodeDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
    ),
    backbone=dict(
        type='mmfewshot_seg.PANetVGG',
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://vgg16'),
    ),
    decode_head=dict(type='mmfewshot_seg.PANetHead'),
)
