# The residual variant's episodes: crops of 473 in training, void ignored in supports too.
_base_ = './coco_20i.py'

crop_size = (473, 473)
protocol = dict(name='panet', support_void='ignore', num_episodes=4000)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmfewshot_seg.LoadEpisodeMask'),
    dict(
        type='RandomResize',
        scale=crop_size,
        ratio_range=(0.9, 1.1),
        keep_ratio=True,
        resize_type='Resize',
    ),
    dict(type='RandomFlip', prob=0.5),
    dict(type='Pad', size=crop_size, pad_val=dict(img=(103.53, 116.28, 123.675), seg=255)),
    dict(type='mmfewshot_seg.RandomCropKeepForeground', crop_size=crop_size),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmfewshot_seg.LoadEpisodeMask'),
    dict(type='Resize', scale=crop_size, keep_ratio=False),
]
train_dataloader = dict(batch_size=4, dataset=dict(protocol=protocol, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(protocol=protocol, pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(protocol=protocol, pipeline=test_pipeline))
