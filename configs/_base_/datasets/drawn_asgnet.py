# The drawn data set for ASGNet: sides of 8k + 1, seeds placed for the supports.
_base_ = './drawn.py'

scale = (113, 113)
seeds = dict(type='mmfewshot_seg.PlaceSuperpixelSeeds', area=10)
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
    dataset=dict(pipeline=train_pipeline, support_pipeline=[*train_pipeline, seeds])
)
test_dataloader = dict(
    dataset=dict(pipeline=test_pipeline, support_pipeline=[*test_pipeline, seeds])
)
