# COCO-20i as PANet uses it: train2014 for training and testing, folds of consecutive categories.
source = dict(
    type='mmfewshot_seg.Coco20iSource',
    ann_file='data/coco/annotations/instances_train2014.json',
    img_dir='data/coco/train2014',
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
