"""What the command-line tools call."""

from mmfewshot_seg.apis.runner import UsageError, test, train

__all__ = ['UsageError', 'test', 'train']
