# One folder per class with images and masks, and lists of class names: the layout of FSS-1000.
# Where it lies is told by the environment variable CLASS_FOLDER, how many pixels wide and high the
# network sees images by CLASS_FOLDER_SIDE.
data_root = '{{$CLASS_FOLDER:data/fss1000}}'
source = dict(type='mmfewshot_seg.FolderSource', data_root=data_root + '/data')
scale = (int('{{$CLASS_FOLDER_SIDE:112}}'),) * 2
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmfewshot_seg.LoadEpisodeMask'),
    dict(type='RandomResize', scale=scale, ratio_range=(1.0, 1.5), keep_ratio=False),
    dict(type='mmfewshot_seg.RandomCropKeepForeground', crop_size=scale, min_foreground=0.6),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmfewshot_seg.LoadEpisodeMask'),
    dict(type='Resize', scale=scale, keep_ratio=False),
]
train_dataloader = dict(
    batch_size=8,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=False),
    dataset=dict(
        type='mmfewshot_seg.FewShotDataset',
        source=source,
        base_classes=data_root + '/splits/train.txt',
        fold=data_root + '/splits/test.txt',
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmfewshot_seg.FewShotDataset',
        source=source,
        fold=data_root + '/splits/val.txt',
        num_runs=1,
        num_episodes=300,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmfewshot_seg.FewShotDataset',
        source=source,
        fold=data_root + '/splits/test.txt',
        num_episodes=200,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
val_evaluator = dict(type='mmfewshot_seg.FewShotIoUMetric')
test_evaluator = val_evaluator
