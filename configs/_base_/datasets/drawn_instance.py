# The drawn data set for instance masks, its objects all of one class, at the size it is drawn at:
# `python tools/draw_dataset.py data/drawn --train-classes all`. Where it lies is told by the
# environment variable DRAWN_DATA.
data_root = '{{$DRAWN_DATA:data/drawn}}/'
metainfo = dict(classes=('object',))
as_drawn = dict(type='Resize', scale_factor=1.0)  # tells the detector what it needs to know
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    as_drawn,
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    as_drawn,
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),  # for pictures; not resized
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
    ),
]
tta_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='TestTimeAug',
        transforms=[
            [as_drawn],
            [dict(type='RandomFlip', prob=prob) for prob in (0.0, 1.0)],
            [dict(type='PackDetInputs')],
        ],
    ),
]
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='CocoDataset',
        data_root=data_root,
        ann_file='annotations/objects_train.json',
        data_prefix=dict(img='images/train/'),
        metainfo=metainfo,
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=train_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CocoDataset',
        data_root=data_root,
        ann_file='annotations/objects_test.json',
        data_prefix=dict(img='images/test/'),
        metainfo=metainfo,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_evaluator = dict(
    type='mmfewshot_seg.BoundaryCocoMetric',
    ann_file=data_root + 'annotations/objects_test.json',
    metric=['bbox', 'segm', 'boundary'],
)
