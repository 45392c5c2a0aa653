"""Data structures that data sets, models and metrics exchange."""

from mmfewshot_seg.structures.episode import Episode
from mmfewshot_seg.structures.support_state import SupportState

__all__ = ['Episode', 'SupportState']
