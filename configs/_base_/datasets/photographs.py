# Photographs of yours, of any size and format: how an inferencer shows them to the network. Small
# objects in large images want a longer side:
#   --cfg-options test_dataloader.dataset.pipeline.2.long_side=640
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmfewshot_seg.LoadEpisodeMask'),
    dict(type='mmfewshot_seg.ResizeLongSide', long_side=384),
]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
