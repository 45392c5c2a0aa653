# That of few-shot segmentation, but what is drawn is MMSegmentation's, with edges if the network
# finds them, and checkpoints are rarer. `tools/test.py --tta` tests at six sizes, mirrored as well.
_base_ = './default_runtime_seg.py'

default_hooks = dict(
    checkpoint=dict(interval=4000), visualization=dict(type='SegVisualizationHook')
)
custom_hooks = [dict(type='mmfewshot_seg.LabelReportHook')]
visualizer = dict(type='mmfewshot_seg.SemanticVisualizer', name='visualizer')
tta_model = dict(type='mmfewshot_seg.SemanticTTAModel')
tta_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='TestTimeAug',
        transforms=[
            [
                dict(type='Resize', scale_factor=factor, keep_ratio=True)
                for factor in (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)
            ],
            [dict(type='RandomFlip', prob=0.0), dict(type='RandomFlip', prob=1.0)],
            [dict(type='LoadAnnotations')],  # after Resize: the label keeps its size
            [dict(type='PackSegInputs')],
        ],
    ),
]
