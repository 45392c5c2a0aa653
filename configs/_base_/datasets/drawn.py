# The drawn data set: train images show base classes only, test images all classes.
# Where it lies is told by the environment variable DRAWN_DATA.
data_root = '{{$DRAWN_DATA:work_dirs/demo/data}}'
scale = (112, 112)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmfewshot_seg.LoadEpisodeMask'),
    dict(type='Resize', scale=scale, keep_ratio=False),
    dict(type='RandomFlip', prob=0.5),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmfewshot_seg.LoadEpisodeMask'),
    dict(type='Resize', scale=scale, keep_ratio=False),
]
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=False),
    dataset=dict(
        type='mmfewshot_seg.FewShotDataset',
        source=dict(
            type='mmfewshot_seg.Coco20iSource',
            ann_file=data_root + '/annotations/instances_train.json',
            img_dir=data_root + '/images/train',
        ),
        fold=data_root + '/novel.txt',
        protocol=dict(name='panet', min_area=512),
        pipeline=train_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmfewshot_seg.FewShotDataset',
        source=dict(
            type='mmfewshot_seg.Coco20iSource',
            ann_file=data_root + '/annotations/instances_test.json',
            img_dir=data_root + '/images/test',
        ),
        fold=data_root + '/novel.txt',
        protocol=dict(name='panet', min_area=512),
        num_runs=1,
        num_episodes=300,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_evaluator = dict(type='mmfewshot_seg.FewShotIoUMetric')
