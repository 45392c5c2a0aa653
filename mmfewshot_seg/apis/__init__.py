"""What the command-line tools call, and inferencers for use from Python."""

from mmfewshot_seg.apis.run_config import UsageError, leave
from mmfewshot_seg.apis.runner import test, train

__all__ = ['FewShotInferencer', 'UsageError', 'leave', 'test', 'train']


def __getattr__(name: str):
    if name != 'FewShotInferencer':  # it imports MMSegmentation, which takes seconds
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    from mmfewshot_seg.apis import fewshot_inferencer

    return fewshot_inferencer.FewShotInferencer
