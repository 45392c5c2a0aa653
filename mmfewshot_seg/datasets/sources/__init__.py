"""Sources of episodes."""

from mmfewshot_seg.datasets.sources.base import EpisodeSource
from mmfewshot_seg.datasets.sources.coco_20i import Coco20iSource
from mmfewshot_seg.datasets.sources.folder import FolderSource
from mmfewshot_seg.datasets.sources.pascal_5i import Pascal5iSource
from mmfewshot_seg.parts import missing, stands

if stands('datasets.sources.seg_dataset'):
    from mmfewshot_seg.datasets.sources.seg_dataset import SegDatasetSource

__all__ = ['Coco20iSource', 'EpisodeSource', 'FolderSource', 'Pascal5iSource', 'SegDatasetSource']


def __getattr__(name: str):
    raise missing(__name__, name)
