"""What the command-line tools call."""

from mmfewshot_seg.apis.runner import UsageError, baselines, test, train

__all__ = ['UsageError', 'baselines', 'test', 'train']
