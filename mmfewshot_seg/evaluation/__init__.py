"""Metrics; those of detection need MMDetection and are left out where this cannot be imported."""

import warnings
from importlib import import_module

from mmfewshot_seg.compat import check_versions, require_ops
from mmfewshot_seg.evaluation.boundary_f_metric import BoundaryFMetric
from mmfewshot_seg.evaluation.fewshot_iou import episode_counts, summarize
from mmfewshot_seg.evaluation.fewshot_iou_metric import FewShotIoUMetric

__all__ = ['BoundaryFMetric', 'FewShotIoUMetric', 'episode_counts', 'summarize']

DETECTION = {
    'BoundaryCocoMetric': 'boundary_coco_metric',
    'LVISv1Metric': 'lvis_metric',
    'ZeroShotCocoMetric': 'zeroshot_coco_metric',
}

try:
    with warnings.catch_warnings():  # of another metric, which nobody asked for
        warnings.filterwarnings('ignore', message='faster_coco_eval is not installed')
        from mmfewshot_seg.evaluation.boundary_coco_metric import BoundaryCocoMetric
        from mmfewshot_seg.evaluation.lvis_metric import LVISv1Metric
        from mmfewshot_seg.evaluation.zeroshot_coco_metric import ZeroShotCocoMetric
except ImportError:  # __getattr__ tells whoever asks for it
    pass
else:
    __all__ += ['BoundaryCocoMetric', 'LVISv1Metric', 'ZeroShotCocoMetric']


def __getattr__(name: str):
    if name not in DETECTION:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    check_versions('torch', 'mmengine', 'mmcv', 'mmdet')
    require_ops(name)  # mmdet 3.3 imports them
    return getattr(import_module(f'{__name__}.{DETECTION[name]}'), name)
