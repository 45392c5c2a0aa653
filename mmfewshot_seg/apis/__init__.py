"""What the command-line tools call, and inferencers for use from Python."""

from importlib import import_module

from mmfewshot_seg import compat
from mmfewshot_seg.apis.runner import test, train
from mmfewshot_seg.command import UsageError

__all__ = ['FewShotInferencer', 'UsageError', 'ZeroShotInferencer', 'test', 'train']

compat.hide_debug_prints()
_INFERENCERS = {  # they import a host, which takes seconds
    'FewShotInferencer': 'fewshot_inferencer',
    'ZeroShotInferencer': 'zeroshot_inferencer',
}


def __getattr__(name: str):
    if name not in _INFERENCERS:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(f'{__name__}.{_INFERENCERS[name]}'), name)
