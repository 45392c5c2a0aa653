"""What acts on a training from outside of its model and data."""

from typing import TYPE_CHECKING

from mmfewshot_seg.engine.cpu_amp_optim_wrapper import CpuAmpOptimWrapper
from mmfewshot_seg.engine.throughput_hook import ThroughputHook
from mmfewshot_seg.files.whole_checkpoints import WholeCheckpointHook
from mmfewshot_seg.parts import on_demand

if TYPE_CHECKING:
    from mmfewshot_seg.engine.label_report_hook import LabelReportHook

__all__ = ['CpuAmpOptimWrapper', 'LabelReportHook', 'ThroughputHook', 'WholeCheckpointHook']


def __getattr__(name: str):
    return on_demand(__name__, name)
