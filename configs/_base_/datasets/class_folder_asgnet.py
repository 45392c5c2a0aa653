# Folders of classes for ASGNet: sides of 8k + 1, seeds placed for the supports.
_base_ = './class_folder.py'

scale = (113, 113)
seeds = dict(type='mmfewshot_seg.PlaceSuperpixelSeeds', area=10)
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
train_pipelines = dict(pipeline=train_pipeline, support_pipeline=[*train_pipeline, seeds])
test_pipelines = dict(pipeline=test_pipeline, support_pipeline=[*test_pipeline, seeds])
train_dataloader = dict(dataset=train_pipelines)
val_dataloader = dict(dataset=test_pipelines)
test_dataloader = dict(dataset=test_pipelines)
