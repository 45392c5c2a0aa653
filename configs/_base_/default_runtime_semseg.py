# That of few-shot segmentation, but what is drawn is MMSegmentation's, and checkpoints are rarer.
_base_ = './default_runtime_seg.py'

default_hooks = dict(
    checkpoint=dict(interval=4000), visualization=dict(type='SegVisualizationHook')
)
custom_hooks = [dict(type='mmfewshot_seg.LabelReportHook')]
visualizer = dict(type='SegLocalVisualizer', name='visualizer')
tta_model = dict(type='SegTTAModel')
