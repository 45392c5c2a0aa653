"""What acts on a training from outside of its model and data."""

from mmfewshot_seg.engine.label_report_hook import LabelReportHook
from mmfewshot_seg.whole_checkpoints import WholeCheckpointHook

__all__ = ['LabelReportHook', 'WholeCheckpointHook']
