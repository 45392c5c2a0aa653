"""Pictures of what models do.

That of detection needs MMDetection and mmcv's compiled ops, and is left out where these cannot be
imported.
"""

from mmfewshot_seg.compat import check_versions, require_ops
from mmfewshot_seg.visualization.episode_visualization_hook import EpisodeVisualizationHook
from mmfewshot_seg.visualization.episode_visualizer import EpisodeVisualizer
from mmfewshot_seg.visualization.semantic_visualizer import SemanticVisualizer

__all__ = ['EpisodeVisualizationHook', 'EpisodeVisualizer', 'SemanticVisualizer']

try:
    from mmfewshot_seg.visualization.refinemask_visualizer import RefineMaskVisualizer
except ImportError:  # __getattr__ tells whoever asks for it
    pass
else:
    __all__ += ['RefineMaskVisualizer']


def __getattr__(name: str):
    if name != 'RefineMaskVisualizer':
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    check_versions('torch', 'mmengine', 'mmcv', 'mmdet')
    require_ops(name)
    from mmfewshot_seg.visualization import refinemask_visualizer

    return refinemask_visualizer.RefineMaskVisualizer
