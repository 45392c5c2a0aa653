# PASCAL-5i as PANet uses it: trainaug for training and testing, 417 x 417, aspect not kept.
source = dict(
    type='mmfewshot_seg.Pascal5iSource',
    data_root='data/VOCdevkit/VOC2012',
    sbd_root='data/sbd',
    split='trainaug',
)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmfewshot_seg.LoadEpisodeMask'),
    dict(type='Resize', scale=(417, 417), keep_ratio=False),
    dict(type='RandomFlip', prob=0.5),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmfewshot_seg.LoadEpisodeMask'),
    dict(type='Resize', scale=(417, 417), keep_ratio=False),
]
train_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=False),
    dataset=dict(
        type='mmfewshot_seg.FewShotDataset',
        source=source,
        fold=0,
        protocol=dict(name='panet'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmfewshot_seg.FewShotDataset',
        source=source,
        fold=0,
        protocol=dict(name='panet'),
        num_runs=1,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmfewshot_seg.FewShotDataset',
        source=source,
        fold=0,
        protocol=dict(name='panet'),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
val_evaluator = dict(type='mmfewshot_seg.FewShotIoUMetric')
test_evaluator = val_evaluator
