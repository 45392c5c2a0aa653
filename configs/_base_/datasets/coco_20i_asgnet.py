# COCO-20i as ASGNet uses it: train2014 for training, val2014 for tests, interleaved folds.
_base_ = './pascal_5i_asgnet.py'

crop_size = (641, 641)
mean = (103.53, 116.28, 123.675)
seeds = dict(type='mmfewshot_seg.PlaceSuperpixelSeeds')
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmfewshot_seg.LoadEpisodeMask'),
    dict(  # by 0.8 to 1.25: the long side of nearly every image is 640
        type='RandomResize',
        scale=(640, 640),
        ratio_range=(0.8, 1.25),
        keep_ratio=True,
        resize_type='Resize',
    ),
    dict(type='RandomRotate', prob=0.5, degree=10, pad_val=mean, seg_pad_val=255),
    dict(type='mmfewshot_seg.RandomGaussianBlur'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='Pad', size=crop_size, pad_val=dict(img=mean, seg=255)),
    dict(type='mmfewshot_seg.RandomCropKeepForeground', crop_size=crop_size),
]
support_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmfewshot_seg.LoadEpisodeMask'),
    dict(type='mmfewshot_seg.ResizeLongSide', long_side=641),
    dict(type='Pad', size=crop_size, pad_val=dict(img=0, seg=255)),
    seeds,
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmfewshot_seg.ResizeLongSide', long_side=641),
    dict(type='Pad', size=crop_size, pad_val=dict(img=0)),
    dict(type='mmfewshot_seg.LoadEpisodeMask'),
]
source = dict(
    _delete_=True,
    type='mmfewshot_seg.Coco20iSource',
    ann_file='data/coco/annotations/instances_train2014.json',
    img_dir='data/coco/train2014',
)
test_dataset = dict(
    source=dict(
        _delete_=True,
        type='mmfewshot_seg.Coco20iSource',
        ann_file='data/coco/annotations/instances_val2014.json',
        img_dir='data/coco/val2014',
    ),
    pipeline=test_pipeline,
    support_pipeline=support_pipeline,
)
train_dataloader = dict(
    batch_size=8,
    dataset=dict(source=source, pipeline=train_pipeline, support_pipeline=[*train_pipeline, seeds]),
)
val_dataloader = dict(dataset=dict(num_episodes=20000, **test_dataset))
test_dataloader = dict(dataset=test_dataset)
