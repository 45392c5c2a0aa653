"""Pictures of what models do; what needs a host that is missing is left out."""

from mmfewshot_seg.parts import missing, stands
from mmfewshot_seg.visualization.episode_visualization_hook import EpisodeVisualizationHook
from mmfewshot_seg.visualization.episode_visualizer import EpisodeVisualizer

if stands('visualization.semantic_visualizer'):
    from mmfewshot_seg.visualization.semantic_visualizer import SemanticVisualizer
if stands('visualization.refinemask_visualizer'):
    from mmfewshot_seg.visualization.refinemask_visualizer import RefineMaskVisualizer

__all__ = [
    'EpisodeVisualizationHook',
    'EpisodeVisualizer',
    'RefineMaskVisualizer',
    'SemanticVisualizer',
]


def __getattr__(name: str):
    raise missing(__name__, name)
