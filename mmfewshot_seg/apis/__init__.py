"""What the command-line tools call, and inferencers for use from Python."""

from importlib import import_module

from mmfewshot_seg import compat
from mmfewshot_seg.apis.runner import test, train
from mmfewshot_seg.command import UsageError
from mmfewshot_seg.parts import missing, stands

__all__ = ['FewShotInferencer', 'UsageError', 'ZeroShotInferencer', 'test', 'train']

compat.hide_debug_prints()
_INFERENCERS = {  # they import a host, which takes seconds
    'FewShotInferencer': 'fewshot_inferencer',
    'ZeroShotInferencer': 'zeroshot_inferencer',
}


def __getattr__(name: str):
    module = _INFERENCERS.get(name)
    if module and stands(f'apis.{module}'):
        return getattr(import_module(f'{__name__}.{module}'), name)
    raise missing(__name__, name)
