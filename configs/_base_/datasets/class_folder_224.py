# The same at 224 x 224 pixels, trained on crops of 160 x 160; CLASS_FOLDER_SIDE changes both.
_base_ = './class_folder.py'

scale = (int('{{$CLASS_FOLDER_SIDE:224}}'),) * 2
crop_size = (scale[0] * 5 // 7,) * 2
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmfewshot_seg.LoadEpisodeMask'),
    dict(type='RandomResize', scale=scale, ratio_range=(0.75, 1.1), keep_ratio=False),
    dict(type='mmfewshot_seg.RandomCropKeepForeground', crop_size=crop_size, min_foreground=0.6),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmfewshot_seg.LoadEpisodeMask'),
    dict(type='Resize', scale=scale, keep_ratio=False),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
