"""Checkpoints: how they are read without running their code, and where weights come from."""

from mmfewshot_seg.checkpoints import weight_sources  # noqa: F401  the gate finds its schemes
from mmfewshot_seg.checkpoints.gate import CheckpointError, checkpoint_gate, read_checkpoint

__all__ = ['CheckpointError', 'checkpoint_gate', 'read_checkpoint']
