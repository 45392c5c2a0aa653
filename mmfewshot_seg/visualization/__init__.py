"""Pictures of what models do; what needs a host is imported when it is asked for."""

from typing import TYPE_CHECKING

from mmfewshot_seg.parts import on_demand
from mmfewshot_seg.visualization.episode_visualization_hook import EpisodeVisualizationHook
from mmfewshot_seg.visualization.episode_visualizer import EpisodeVisualizer

if TYPE_CHECKING:
    from mmfewshot_seg.visualization.refinemask_visualizer import RefineMaskVisualizer
    from mmfewshot_seg.visualization.semantic_visualizer import SemanticVisualizer

__all__ = [
    'EpisodeVisualizationHook',
    'EpisodeVisualizer',
    'RefineMaskVisualizer',
    'SemanticVisualizer',
]


def __getattr__(name: str):
    return on_demand(__name__, name)
