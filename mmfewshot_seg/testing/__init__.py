"""Contracts that parts of other people can be tested against."""

from mmfewshot_seg.testing.fewshot_head_contract import FewShotHeadContract

__all__ = ['FewShotHeadContract']
