"""Classes of the drawn data set: every shape in every texture, 72 in all.

The colour of a class follows from its shape and texture, so that each pair of texture and colour
belongs to two classes which differ in shape only. Novel classes are combinations of shape and
texture left out of the base classes; every shape, texture and colour occurs among these. For each
novel class there is a base class of the same texture and colour. Unseen classes, of zero-shot
tasks, are all classes of one texture per colour: a seen class shares one attribute with them at
most.
"""

from dataclasses import dataclass

import numpy as np

from mmfewshot_seg.datasets.drawn.shapes import SHAPES
from mmfewshot_seg.datasets.drawn.textures import COLORS, TEXTURES


@dataclass(frozen=True)
class DrawnClass:
    """One class; its label and COCO category id is its place in `CLASSES` plus 1.

    Attributes:
        shape, texture, color: Keys of `SHAPES`, `TEXTURES`, `COLORS`.
        novel: Whether the class is held out of the base classes.
        unseen: Whether the class is held out of the seen classes.
    """

    shape: str
    texture: str
    color: str
    novel: bool
    unseen: bool

    @property
    def name(self) -> str:
        """For example ``'red-striped-star'``."""
        return f'{self.color}-{self.texture}-{self.shape}'


def _classes() -> tuple[DrawnClass, ...]:
    colors = tuple(COLORS)
    return tuple(
        DrawnClass(
            shape,
            texture,
            colors[(s + t) % len(colors)],
            novel=(s + 2 * t) % 5 == 0,
            unseen=(s + 2 * t) % len(colors) == 1,
        )
        for s, shape in enumerate(SHAPES)
        for t, texture in enumerate(TEXTURES)
    )


CLASSES = _classes()
CLASS_NAMES = tuple(c.name for c in CLASSES)
BASE_CLASSES = tuple(c.name for c in CLASSES if not c.novel)
NOVEL_CLASSES = tuple(c.name for c in CLASSES if c.novel)
SEEN_CLASSES = tuple(c.name for c in CLASSES if not c.unseen)
UNSEEN_CLASSES = tuple(c.name for c in CLASSES if c.unseen)

ATTRIBUTE_NAMES = (*SHAPES, *TEXTURES, *COLORS)


def attribute_vectors() -> np.ndarray:
    """One row per class: 1 at its shape, its texture and its colour.

    Returns:
        (72, 24) float32, rows in the order of `CLASSES`, columns of `ATTRIBUTE_NAMES`.
    """
    vectors = np.zeros((len(CLASSES), len(ATTRIBUTE_NAMES)), dtype=np.float32)
    for row, c in zip(vectors, CLASSES, strict=True):
        row[[ATTRIBUTE_NAMES.index(value) for value in (c.shape, c.texture, c.color)]] = 1
    return vectors
