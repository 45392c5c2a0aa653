"""Sources of images and masks, and episodes drawn from them.

What needs a host is imported when it is asked for, see :mod:`mmfewshot_seg.parts`.
"""

from typing import TYPE_CHECKING

from mmfewshot_seg.datasets.episode_sampler import EpisodeIndex, EpisodeSampler
from mmfewshot_seg.datasets.fewshot_dataset import FewShotDataset
from mmfewshot_seg.datasets.protocols import PROTOCOLS, Protocol, resolve_protocol
from mmfewshot_seg.datasets.sources import (
    Coco20iSource,
    EpisodeSource,
    FolderSource,
    Pascal5iSource,
)
from mmfewshot_seg.datasets.transforms import (
    BoundingBoxAnnotation,
    GenerateShapeEdge,
    LoadEpisodeMask,
    PlaceSuperpixelSeeds,
    RandomGaussianBlur,
    ScribbleAnnotation,
    bounding_box_annotation,
    scribble_annotation,
)
from mmfewshot_seg.parts import on_demand

if TYPE_CHECKING:
    from mmfewshot_seg.datasets.checked_coco import CheckedCocoDataset
    from mmfewshot_seg.datasets.labelled_images import LabelledImages
    from mmfewshot_seg.datasets.sources import SegDatasetSource
    from mmfewshot_seg.datasets.transforms import (
        LoadLabels,
        RandomCropKeepForeground,
        ResizeLongSide,
    )
    from mmfewshot_seg.datasets.zeroshot_coco import ZeroShotCocoDataset

__all__ = [
    'PROTOCOLS',
    'BoundingBoxAnnotation',
    'CheckedCocoDataset',
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
    'ZeroShotCocoDataset',
    'bounding_box_annotation',
    'resolve_protocol',
    'scribble_annotation',
]


def __getattr__(name: str):
    return on_demand(__name__, name)
