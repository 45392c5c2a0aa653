"""Sources of images and masks, and episodes drawn from them.

What needs a host that is missing is left out, see :mod:`mmfewshot_seg.parts`.
"""

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
from mmfewshot_seg.parts import missing, stands

if stands('datasets.labelled_images'):
    from mmfewshot_seg.datasets.labelled_images import LabelledImages
if stands('datasets.sources.seg_dataset'):
    from mmfewshot_seg.datasets.sources import SegDatasetSource
if stands('datasets.transforms.load_labels'):
    from mmfewshot_seg.datasets.transforms import LoadLabels
if stands('datasets.transforms.random_crop_keep_foreground'):
    from mmfewshot_seg.datasets.transforms import RandomCropKeepForeground
if stands('datasets.transforms.resize_long_side'):
    from mmfewshot_seg.datasets.transforms import ResizeLongSide
if stands('datasets.checked_coco'):
    from mmfewshot_seg.datasets.checked_coco import CheckedCocoDataset
if stands('datasets.zeroshot_coco'):
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
    raise missing(__name__, name)
