"""Metrics; those of detection need MMDetection, and are left out where it cannot be imported."""

from mmfewshot_seg.evaluation.fewshot_iou import episode_counts, summarize
from mmfewshot_seg.evaluation.fewshot_iou_metric import FewShotIoUMetric

__all__ = ['FewShotIoUMetric', 'episode_counts', 'summarize']

try:
    from mmfewshot_seg.evaluation.boundary_coco_metric import BoundaryCocoMetric
except ImportError:  # __getattr__ says why to whoever asks for it
    pass
else:
    __all__ += ['BoundaryCocoMetric']


def __getattr__(name: str):
    if name == 'BoundaryCocoMetric':
        from mmfewshot_seg.evaluation import boundary_coco_metric

        return boundary_coco_metric.BoundaryCocoMetric
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
