"""Pictures of what models do."""

from mmfewshot_seg.visualization.episode_visualization_hook import EpisodeVisualizationHook
from mmfewshot_seg.visualization.episode_visualizer import EpisodeVisualizer

__all__ = ['EpisodeVisualizationHook', 'EpisodeVisualizer']
