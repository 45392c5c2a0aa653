# Small network that learns from scratch: ResNet-18, stages 1 to 3, signed features.
model = dict(
    type='mmfewshot_seg.FewShotSegmentor',
    data_preprocessor=dict(
        type='mmfewshot_seg.EpisodeDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
    ),
    backbone=dict(
        type='mmfewshot_seg.SignedResNet',
        depth=18,
        num_stages=3,
        strides=(1, 2, 1),
        dilations=(1, 1, 2),
        out_indices=(2,),
    ),
    decode_head=dict(type='mmfewshot_seg.PANetHead'),
)
