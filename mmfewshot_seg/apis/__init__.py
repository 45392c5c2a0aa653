"""What the command-line tools call."""

from mmfewshot_seg.apis.run_config import UsageError, leave
from mmfewshot_seg.apis.runner import test, train

__all__ = ['UsageError', 'leave', 'test', 'train']
