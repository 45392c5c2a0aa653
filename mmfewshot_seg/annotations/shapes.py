"""Polygons, boxes and lines drawn into a label map.

Label values: 0 background, 1 the class, 255 not annotated.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as coco_mask

from mmfewshot_seg.datasets.sources.coordinates import (
    as_numbers,
    check_near,
    check_pixels,
    check_points,
)
from mmfewshot_seg.structures.labels import IGNORED

SHAPES = ('polygons', 'boxes', 'scribbles')
_WIDEST = 32767  # line that OpenCV draws


@dataclass(frozen=True)
class Shape:
    """A shape of an annotation.

    Attributes:
        kind: ``'polygon'``, ``'box'`` or ``'line'``.
        points: (x, y) points; of a box (x1, y1, x2, y2). Pixel (0, 0) reaches from 0 to 1.
        value: What it draws.
        what: Names it in messages.
        width: Width of a line, in pixels.
    """

    kind: str
    points: Sequence
    value: int
    what: str
    width: int = 3


def shapes_of(annotation: Mapping) -> list[Shape]:
    """Shapes of a dict with ``polygons``, ``boxes``, ``scribbles`` and ``background``.

    Raises:
        ValueError: If it has other keys, or a value is no list.
    """
    unknown = annotation.keys() - {*SHAPES, 'background', 'width'}
    if unknown or not annotation.keys() & set(SHAPES):
        raise ValueError(
            f'a mask of shapes has some of the keys {SHAPES}, and background and width beside '
            f'scribbles; got {sorted(map(str, annotation))}'
        )
    width = annotation.get('width', 3)
    if (
        not isinstance(width, int | np.integer)
        or isinstance(width, bool)
        or not 1 <= width <= _WIDEST
    ):
        raise ValueError(f'width of scribbles is a whole number from 1 to {_WIDEST}, got {width!r}')
    return [
        Shape(kind, points, value, what, int(width))
        for key, kind, value, what in (
            ('background', 'line', 0, 'a scribble'),
            ('scribbles', 'line', 1, 'a scribble'),
            ('polygons', 'polygon', 1, 'a polygon'),
            ('boxes', 'box', 1, 'a box'),
        )
        for points in _each(annotation.get(key, ()), key)
    ]


def draw(shapes: Sequence[Shape], size: tuple[int, int]) -> np.ndarray:
    """Label map of shapes.

    Lines are drawn first, those of the class last of them, then polygons and boxes in their order.

    Args:
        shapes: What is drawn. With lines of the class, all that is not drawn is 255, else 0.
        size: (H, W).

    Returns:
        (H, W) uint8.

    Raises:
        ValueError: If coordinates are no numbers, not finite, far outside the image, or shares of
            it.
    """
    checked = [(shape, _coordinates(shape, size)) for shape in shapes]
    regions = [points for shape, points in checked if shape.kind != 'line']
    check_pixels('polygons and boxes', regions, size)
    scribbled = any(shape.kind == 'line' and shape.value == 1 for shape in shapes)
    label = np.full(size, IGNORED if scribbled else 0, np.uint8)
    lines = [item for item in checked if item[0].kind == 'line']
    for shape, points in sorted(lines, key=lambda item: item[0].value == 1):
        pixels = np.floor(points).astype(np.int32)
        pixels = np.concatenate([pixels[:1], pixels])  # OpenCV draws no single point
        cv2.polylines(label, [pixels], False, shape.value, shape.width)
    for shape, points in checked:
        if shape.kind == 'polygon':
            label[_inside(points, size)] = shape.value
        elif shape.kind == 'box':
            label[_touched(points)] = shape.value
    return label


def _each(shapes: Iterable, key: str) -> list:
    """The shapes of a list, or a single one in a list."""
    try:
        shapes = list(shapes)
    except TypeError as error:
        raise ValueError(f'{key} is a list, an entry for each shape, got {shapes!r:.80}') from error
    entry: Any = shapes
    for _ in range(1 if key == 'boxes' else 2):
        entry = entry[0] if isinstance(entry, Sequence | np.ndarray) and len(entry) else ()
    return [shapes] if isinstance(entry, Real) else shapes


def _coordinates(shape: Shape, size: tuple[int, int]) -> np.ndarray:
    """(N, 2) points, or (4,) of a box, that can be drawn."""
    if shape.kind != 'box':
        points = check_points(shape.what, shape.points, size)
        least = 3 if shape.kind == 'polygon' else 1
        if len(points) < least:
            raise ValueError(
                f'{shape.what} is a list of at least {least} (x, y) points, got {points.tolist()}'
            )
        return points
    box = as_numbers(shape.what, shape.points)
    if box.shape != (4,) or not (box[0] < box[2] and box[1] < box[3]):
        raise ValueError(
            f'{shape.what} is (x1, y1, x2, y2) with x1 < x2 and y1 < y2, got {box.tolist()!r:.80}'
        )
    check_near(shape.what, box, size)
    return box


def _inside(polygon: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(H, W) bool, pixels inside a polygon, by the rules of COCO."""
    (encoded,) = coco_mask.frPyObjects([polygon.reshape(-1).tolist()], *size)
    return coco_mask.decode(encoded) > 0


def _touched(box: np.ndarray) -> tuple[slice, slice]:
    """Pixels that a box touches."""
    x1, y1 = np.maximum(np.floor(box[:2]), 0).astype(int).tolist()
    x2, y2 = np.maximum(np.ceil(box[2:]), 0).astype(int).tolist()
    return slice(y1, y2), slice(x1, x2)
