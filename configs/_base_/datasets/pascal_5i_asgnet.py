# PASCAL-5i as ASGNet uses it: tests on VOC val, judged at the size of the original label.
# Published figures are of models trained on 5953 images: VOC train and the list train_noval.txt on
# the page of SBD. It is no part of SBD's archive, so this trains on all of trainaug (10582 images,
# without VOC val). For the published images write both lists into one file and give its path:
# train_dataloader.dataset.source.split=FILE; images in both lists count once.
_base_ = './pascal_5i.py'

crop_size = (473, 473)
mean = (103.53, 116.28, 123.675)
protocol = dict(name='asgnet')
seeds = dict(type='mmfewshot_seg.PlaceSuperpixelSeeds')
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmfewshot_seg.LoadEpisodeMask'),
    dict(  # by 0.9 to 1.1: the long side of nearly every image is 500
        type='RandomResize',
        scale=(500, 500),
        ratio_range=(0.9, 1.1),
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
    dict(type='mmfewshot_seg.ResizeLongSide', long_side=473),
    dict(type='Pad', size=crop_size, pad_val=dict(img=0, seg=255)),
    seeds,
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmfewshot_seg.ResizeLongSide', long_side=473),
    dict(type='Pad', size=crop_size, pad_val=dict(img=0)),
    dict(type='mmfewshot_seg.LoadEpisodeMask'),
]
test_dataset = dict(
    source=dict(split='val'),
    protocol=protocol,
    pipeline=test_pipeline,
    support_pipeline=support_pipeline,
)
train_dataloader = dict(
    batch_size=4,
    dataset=dict(
        protocol=protocol, pipeline=train_pipeline, support_pipeline=[*train_pipeline, seeds]
    ),
)
val_dataloader = dict(dataset=dict(num_episodes=2000, **test_dataset))
test_dataloader = dict(dataset=test_dataset)
