"""Sources of episodes."""

from typing import TYPE_CHECKING

from mmfewshot_seg.datasets.sources.base import EpisodeSource
from mmfewshot_seg.datasets.sources.coco_20i import Coco20iSource
from mmfewshot_seg.datasets.sources.folder import FolderSource
from mmfewshot_seg.datasets.sources.pascal_5i import Pascal5iSource
from mmfewshot_seg.parts import on_demand

if TYPE_CHECKING:
    from mmfewshot_seg.datasets.sources.seg_dataset import SegDatasetSource

__all__ = ['Coco20iSource', 'EpisodeSource', 'FolderSource', 'Pascal5iSource', 'SegDatasetSource']


def __getattr__(name: str):
    return on_demand(__name__, name)
