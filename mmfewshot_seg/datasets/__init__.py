"""Sources of images and masks, and episodes drawn from them."""

from mmfewshot_seg.datasets.sources import EpisodeSource, FolderSource

__all__ = ['EpisodeSource', 'FolderSource']
