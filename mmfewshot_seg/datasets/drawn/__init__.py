"""A data set that is drawn: textured shapes on cluttered backgrounds, for demos and tests.

`draw_dataset` writes it to disk; `layout.README` describes the files.
"""

from mmfewshot_seg.datasets.drawn.classes import (
    ATTRIBUTE_NAMES,
    BASE_CLASSES,
    CLASS_NAMES,
    CLASSES,
    NOVEL_CLASSES,
    SEEN_CLASSES,
    UNSEEN_CLASSES,
    DrawnClass,
    attribute_vectors,
)
from mmfewshot_seg.datasets.drawn.scene import Scene, draw_scene
from mmfewshot_seg.datasets.drawn.writer import draw_dataset

__all__ = [
    'ATTRIBUTE_NAMES',
    'BASE_CLASSES',
    'CLASSES',
    'CLASS_NAMES',
    'NOVEL_CLASSES',
    'SEEN_CLASSES',
    'UNSEEN_CLASSES',
    'DrawnClass',
    'Scene',
    'attribute_vectors',
    'draw_dataset',
    'draw_scene',
]
