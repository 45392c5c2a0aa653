"""Sources of images and masks, and episodes drawn from them.

Data sets of detection need MMDetection and are left out where this cannot be imported.
"""

from importlib import import_module

from mmfewshot_seg.compat import check_versions, require_ops
from mmfewshot_seg.datasets.episode_sampler import EpisodeIndex, EpisodeSampler
from mmfewshot_seg.datasets.fewshot_dataset import FewShotDataset
from mmfewshot_seg.datasets.labelled_images import LabelledImages
from mmfewshot_seg.datasets.protocols import PROTOCOLS, Protocol, resolve_protocol
from mmfewshot_seg.datasets.sources import (
    Coco20iSource,
    EpisodeSource,
    FolderSource,
    Pascal5iSource,
    SegDatasetSource,
)
from mmfewshot_seg.datasets.transforms import (
    BoundingBoxAnnotation,
    GenerateShapeEdge,
    LoadEpisodeMask,
    LoadLabels,
    PlaceSuperpixelSeeds,
    RandomCropKeepForeground,
    RandomGaussianBlur,
    ResizeLongSide,
    ScribbleAnnotation,
    bounding_box_annotation,
    scribble_annotation,
)

__all__ = [
    'PROTOCOLS',
    'BoundingBoxAnnotation',
    'Coco20iSource',
    'EpisodeIndex',
    'EpisodeSampler',
    'EpisodeSource',
    'FewShotDataset',
    'FolderSource',
    'GenerateShapeEdge',
    'LabelledImages',
    'LoadEpisodeMask',
    'LoadLabels',
    'Pascal5iSource',
    'PlaceSuperpixelSeeds',
    'Protocol',
    'RandomCropKeepForeground',
    'RandomGaussianBlur',
    'ResizeLongSide',
    'ScribbleAnnotation',
    'SegDatasetSource',
    'bounding_box_annotation',
    'resolve_protocol',
    'scribble_annotation',
]

_OF_DETECTION = {'CheckedCocoDataset': 'checked_coco', 'ZeroShotCocoDataset': 'zeroshot_coco'}
try:
    from mmfewshot_seg.datasets.checked_coco import CheckedCocoDataset
    from mmfewshot_seg.datasets.zeroshot_coco import ZeroShotCocoDataset
except ImportError:  # __getattr__ tells whoever asks for them
    pass
else:
    __all__ += ['CheckedCocoDataset', 'ZeroShotCocoDataset']


def __getattr__(name: str):
    if name not in _OF_DETECTION:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    check_versions('torch', 'mmengine', 'mmcv', 'mmdet')
    require_ops(name)  # mmdet 3.3 imports them
    return getattr(import_module(f'mmfewshot_seg.datasets.{_OF_DETECTION[name]}'), name)
