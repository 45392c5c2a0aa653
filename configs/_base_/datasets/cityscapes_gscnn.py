# Cityscapes as Gated-SCNN is trained on it: one crop of 720 x 720 a GPU, colours jittered, always
# blurred. The released program jitters hue as well and each time; edges have its quirks.
_base_ = './cityscapes.py'

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=(2048, 1024), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=(720, 720)),
    dict(type='RandomFlip', prob=0.5),
    dict(
        type='PhotoMetricDistortion',
        contrast_range=(0.75, 1.25),
        saturation_range=(0.75, 1.25),
    ),
    dict(type='mmfewshot_seg.RandomGaussianBlur', kernel_size=11, prob=1.0, sigma=(0.15, 1.3)),
    dict(type='mmfewshot_seg.GenerateShapeEdge', frame=True, class_zero=False, ignored_rim=True),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(
    batch_size=1,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(pipeline=train_pipeline),
)
