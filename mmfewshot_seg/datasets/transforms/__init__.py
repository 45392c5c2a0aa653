"""Transforms of images and labels; those of an episode take one image each."""

from typing import TYPE_CHECKING

from mmfewshot_seg.datasets.transforms.generate_shape_edge import GenerateShapeEdge
from mmfewshot_seg.datasets.transforms.load_episode_mask import LoadEpisodeMask
from mmfewshot_seg.datasets.transforms.place_superpixel_seeds import PlaceSuperpixelSeeds
from mmfewshot_seg.datasets.transforms.random_gaussian_blur import RandomGaussianBlur
from mmfewshot_seg.datasets.transforms.weak_annotation import (
    BoundingBoxAnnotation,
    ScribbleAnnotation,
    bounding_box_annotation,
    scribble_annotation,
)
from mmfewshot_seg.parts import on_demand

if TYPE_CHECKING:
    from mmfewshot_seg.datasets.transforms.load_labels import LoadLabels
    from mmfewshot_seg.datasets.transforms.random_crop_keep_foreground import (
        RandomCropKeepForeground,
    )
    from mmfewshot_seg.datasets.transforms.resize_long_side import ResizeLongSide

__all__ = [
    'BoundingBoxAnnotation',
    'GenerateShapeEdge',
    'LoadEpisodeMask',
    'LoadLabels',
    'PlaceSuperpixelSeeds',
    'RandomCropKeepForeground',
    'RandomGaussianBlur',
    'ResizeLongSide',
    'ScribbleAnnotation',
    'bounding_box_annotation',
    'scribble_annotation',
]


def __getattr__(name: str):
    return on_demand(__name__, name)
