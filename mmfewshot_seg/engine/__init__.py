"""What acts on a training from outside of its model and data."""

from mmfewshot_seg.engine.cpu_amp_optim_wrapper import CpuAmpOptimWrapper
from mmfewshot_seg.engine.label_report_hook import LabelReportHook
from mmfewshot_seg.files.whole_checkpoints import WholeCheckpointHook

__all__ = ['CpuAmpOptimWrapper', 'LabelReportHook', 'WholeCheckpointHook']
