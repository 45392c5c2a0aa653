"""Metrics."""

from mmfewshot_seg.evaluation.fewshot_iou import episode_counts, summarize
from mmfewshot_seg.evaluation.fewshot_iou_metric import FewShotIoUMetric

__all__ = ['FewShotIoUMetric', 'episode_counts', 'summarize']
