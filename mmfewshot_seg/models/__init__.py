"""Models, one sub-package per wing, and the encoders of all; no wing imports another.

The detection wings need mmdet and mmcv's compiled ops. Where these are missing the rest works,
and whoever builds one of the detection classes is told what to install.
"""

from collections.abc import Callable
from importlib import import_module
from typing import NoReturn

from mmfewshot_seg.compat import mmseg_needs_ops, require_ops
from mmfewshot_seg.registry import MODELS

if mmseg_needs_ops():
    require_ops("OpenMMLab's mmseg")

from mmfewshot_seg.models import encoders, fewshot, semseg  # noqa: E402

DETECTION_WINGS = {
    'refinemask': (
        'BARCrossEntropyLoss',
        'CascadeRefineRoIHead',
        'MaskTTAModel',
        'RefineCrossEntropyLoss',
        'RefineMaskHead',
        'RefineRoIHead',
        'SimpleRefineMaskHead',
    ),
    'zeroshot': (
        'BackgroundAwareRPNHead',
        'SemanticMaskHead',
        'ZeroShotBBoxHead',
        'ZeroShotFasterRCNN',
        'ZeroShotMaskRCNN',
        'ZeroShotRoIHead',
    ),
}


def _refusal(error: ImportError) -> Callable[..., NoReturn]:
    def refuse(**kwargs) -> NoReturn:
        raise ImportError(str(error)) from error

    return refuse


def _import_detection_wings() -> None:
    for wing, names in DETECTION_WINGS.items():
        try:
            import_module(f'{__name__}.{wing}')
        except ImportError as error:
            for name in names:
                MODELS.register_module(name=name, module=_refusal(error), force=True)


_import_detection_wings()

__all__ = ['encoders', 'fewshot', 'semseg']
