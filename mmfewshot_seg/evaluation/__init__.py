"""Metrics; those of detection need MMDetection and are imported when they are asked for."""

import warnings
from typing import TYPE_CHECKING

from mmfewshot_seg.evaluation.boundary_f_metric import BoundaryFMetric
from mmfewshot_seg.evaluation.dump_label_maps import DumpLabelMaps
from mmfewshot_seg.evaluation.edge_metric import EdgeMetric
from mmfewshot_seg.evaluation.fewshot_iou import episode_counts, summarize
from mmfewshot_seg.evaluation.fewshot_iou_metric import FewShotIoUMetric
from mmfewshot_seg.evaluation.presence_metric import PresenceMetric
from mmfewshot_seg.parts import on_demand

if TYPE_CHECKING:
    from mmfewshot_seg.evaluation.boundary_coco_metric import BoundaryCocoMetric
    from mmfewshot_seg.evaluation.lvis_metric import LVISv1Metric
    from mmfewshot_seg.evaluation.zeroshot_coco_metric import ZeroShotCocoMetric

__all__ = [
    'BoundaryCocoMetric',
    'BoundaryFMetric',
    'DumpLabelMaps',
    'EdgeMetric',
    'FewShotIoUMetric',
    'LVISv1Metric',
    'PresenceMetric',
    'ZeroShotCocoMetric',
    'episode_counts',
    'summarize',
]


def __getattr__(name: str):
    with warnings.catch_warnings():  # of another metric, which nobody asked for
        warnings.filterwarnings('ignore', message='faster_coco_eval is not installed')
        return on_demand(__name__, name)
