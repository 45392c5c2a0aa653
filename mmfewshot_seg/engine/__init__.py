"""What acts on a training from outside of its model and data."""

from mmfewshot_seg.engine.cpu_amp_optim_wrapper import CpuAmpOptimWrapper
from mmfewshot_seg.engine.throughput_hook import ThroughputHook
from mmfewshot_seg.files.whole_checkpoints import WholeCheckpointHook
from mmfewshot_seg.parts import missing, stands

if stands('engine.label_report_hook'):
    from mmfewshot_seg.engine.label_report_hook import LabelReportHook

__all__ = ['CpuAmpOptimWrapper', 'LabelReportHook', 'ThroughputHook', 'WholeCheckpointHook']


def __getattr__(name: str):
    raise missing(__name__, name)
