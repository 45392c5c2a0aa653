"""Models, one sub-package per wing; no wing imports another."""

from mmfewshot_seg.models import fewshot

__all__ = ['fewshot']
