"""Sources of images and masks, and episodes drawn from them."""

from mmfewshot_seg.datasets.episode_sampler import EpisodeIndex, EpisodeSampler
from mmfewshot_seg.datasets.fewshot_dataset import FewShotDataset
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
    'LoadEpisodeMask',
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
