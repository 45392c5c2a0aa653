"""Checkpoints: how they are read without running their code, and whether they fit a model."""

from mmfewshot_seg.checkpoints.fit import Fit, load_weights, not_finite
from mmfewshot_seg.checkpoints.gate import CheckpointError, checkpoint_gate, read_checkpoint

__all__ = [
    'CheckpointError',
    'Fit',
    'checkpoint_gate',
    'load_weights',
    'not_finite',
    'read_checkpoint',
]
