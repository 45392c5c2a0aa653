"""Models, one sub-package per wing, and the encoders of all; no wing imports another.

A wing whose host or compiled ops are missing is left out, see :mod:`mmfewshot_seg.parts`.
"""

from mmfewshot_seg.models import encoders
from mmfewshot_seg.parts import missing, stands

if stands('models.fewshot'):
    from mmfewshot_seg.models import fewshot
if stands('models.semseg'):
    from mmfewshot_seg.models import semseg
if stands('models.refinemask'):
    from mmfewshot_seg.models import refinemask
if stands('models.zeroshot'):
    from mmfewshot_seg.models import zeroshot

__all__ = ['encoders', 'fewshot', 'refinemask', 'semseg', 'zeroshot']


def __getattr__(name: str):
    raise missing(__name__, name)
