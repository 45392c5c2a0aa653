# The drawn data set for semantic segmentation, background and all classes:
# `python tools/draw_dataset.py data/drawn --train-classes all`. Where it lies is told by the
# environment variable DRAWN_DATA.
_base_ = []  # above imports, else OpenMMLab's mmengine takes them for new style

import pathlib

data_root = '{{$DRAWN_DATA:data/drawn}}'
names_file = data_root + '/classes.txt'
classes = ('background', 'object')  # of nothing: so that the config loads without data
if pathlib.Path(names_file).is_file():
    classes = ('background', *pathlib.Path(names_file).read_text().split('\n')[:-1])
num_classes = len(classes)
metainfo = dict(classes=classes)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='BaseSegDataset',
        data_root=data_root,
        data_prefix=dict(img_path='images/train', seg_map_path='labels/train'),
        metainfo=metainfo,
        pipeline=train_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='BaseSegDataset',
        data_root=data_root,
        data_prefix=dict(img_path='images/test', seg_map_path='labels/test'),
        metainfo=metainfo,
        pipeline=test_pipeline,
    ),
)
test_evaluator = [
    dict(type='IoUMetric', iou_metrics=['mIoU']),
    dict(type='mmfewshot_seg.BoundaryFMetric', thresholds=(1, 2, 3)),
]
