"""Sources of episodes."""

from mmfewshot_seg.datasets.sources.base import EpisodeSource
from mmfewshot_seg.datasets.sources.folder import FolderSource

__all__ = ['EpisodeSource', 'FolderSource']
