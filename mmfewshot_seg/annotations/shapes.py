"""Polygons, boxes, ellipses, masks, lines and points drawn into a label map.

Label values: 0 background, 1 the class, 255 not annotated.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
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

SHAPES = ('polygons', 'boxes', 'scribbles', 'points')
_BESIDE = ('background', 'background_points', 'width')
_WIDEST = 32767  # line that OpenCV draws
_PROMPTS = ('line', 'point')
_KINDS = ('polygon', 'box', 'ellipse', 'mask', 'segmentation', *_PROMPTS)
_POINT_SHARE = 0.015  # of the longer side: diameter of a point without a width


@dataclass(frozen=True)
class Shape:
    """A shape of an annotation. Pixel (0, 0) reaches from 0 to 1.

    Attributes:
        kind: ``'polygon'``, ``'box'``, ``'line'``, ``'point'``, ``'ellipse'``, ``'mask'`` or
            ``'segmentation'``; another one is refused when it is drawn.
        points: (x, y) points; of a box (x1, y1, x2, y2), of an ellipse (x, y, radius along x,
            radius along y, degrees clockwise), of a mask its upper left pixel (x, y); a
            segmentation of COCO, checked, as it is there.
        value: What it draws.
        what: Names it in messages.
        width: Width of a line or diameter of a point, in pixels. None: 3 of a line; of a point
            1.5 % of the longer side of the image, at least 3.
        class_name: Name of its class; None: it is drawn for every class.
        group: Shapes of one class and group are one object; None: a shape by itself.
        pixels: (h, w) bool of a mask.
    """

    kind: str
    points: Any
    value: int
    what: str
    width: int | None = None
    class_name: str | None = None
    group: Hashable = None
    pixels: np.ndarray | None = None

    @property
    def is_prompt(self) -> bool:
        """Whether it says something of a few pixels and nothing of the others."""
        return self.kind in _PROMPTS


def shapes_of(annotation: Mapping) -> list[Shape]:
    """Shapes of a dict with ``polygons``, ``boxes``, ``scribbles``, ``points`` and so on.

    Raises:
        ValueError: If it has other keys, or a value is no list.
    """
    unknown = annotation.keys() - {*SHAPES, *_BESIDE}
    if unknown or not annotation.keys() & set(SHAPES):
        raise ValueError(
            f'a mask of shapes has some of the keys {SHAPES}, and background, background_points '
            f'and width beside scribbles and points; got {sorted(map(str, annotation))}'
        )
    width = annotation.get('width', 1)
    if (
        not isinstance(width, int | np.integer)
        or isinstance(width, bool)
        or not 1 <= width <= _WIDEST
    ):
        raise ValueError(f'width of scribbles is a whole number from 1 to {_WIDEST}, got {width!r}')
    width = int(width) if 'width' in annotation else None
    clicks = [
        Shape('point', [point], value, 'a point', width)
        for key, value in (('background_points', 0), ('points', 1))
        for point in _each(annotation.get(key, ()), key)
    ]
    return clicks + [
        Shape(kind, points, value, what, width)
        for key, kind, value, what in (
            ('background', 'line', 0, 'a scribble'),
            ('scribbles', 'line', 1, 'a scribble'),
            ('polygons', 'polygon', 1, 'a polygon'),
            ('boxes', 'box', 1, 'a box'),
        )
        for points in _each(annotation.get(key, ()), key)
    ]


def draw(shapes: Sequence[Shape], size: tuple[int, int], surely_pixels: bool = False) -> np.ndarray:
    """Label map of shapes.

    Lines and points are drawn first, those of the class last of them, then the others in their
    order.

    Args:
        shapes: What is drawn. With lines or points of the class, all that is not drawn is 255,
            else 0.
        size: (H, W).
        surely_pixels: Whether coordinates cannot be shares of the image by mistake.

    Returns:
        (H, W) uint8.

    Raises:
        ValueError: If a shape is of a kind that is not known, a point lies beside the image, or
            coordinates are no numbers, not finite, far outside the image, or shares of it.
    """
    checked = _checked(shapes, size, surely_pixels)
    prompted = any(shape.is_prompt and shape.value == 1 for shape in shapes)
    label = np.full(size, IGNORED if prompted else 0, np.uint8)
    prompts = [item for item in checked if item[0].is_prompt]
    for shape, points in sorted(prompts, key=lambda item: item[0].value == 1):
        if shape.kind == 'line':
            _draw_line(label, points, shape)
        else:
            _draw_discs(label, points, shape)
    for shape, points in checked:
        if not shape.is_prompt:
            label[_region(shape, points, size)] = shape.value
    return label


def regions(
    shapes: Sequence[Shape], size: tuple[int, int], surely_pixels: bool = False
) -> Iterator[np.ndarray]:
    """(H, W) bool of each shape, its pixels; there must be neither lines nor points.

    Arguments: see :func:`draw`.

    Raises:
        ValueError: As :func:`draw`.
    """
    for shape, points in _checked(shapes, size, surely_pixels):
        inside = np.zeros(size, bool)
        inside[_region(shape, points, size)] = True
        yield inside


def _checked(
    shapes: Sequence[Shape], size: tuple[int, int], surely_pixels: bool
) -> list[tuple[Shape, Any]]:
    """Shapes, and what of each can be drawn."""
    checked = [(shape, _coordinates(shape, size)) for shape in shapes]
    if not surely_pixels:
        check_pixels('polygons and boxes', _in_pixels(checked), size)
    return checked


def _each(shapes: Iterable, key: str) -> list:
    """The shapes of a list, or a single one in a list."""
    try:
        shapes = list(shapes)
    except TypeError as error:
        raise ValueError(f'{key} is a list, an entry for each shape, got {shapes!r:.80}') from error
    entry: Any = shapes
    for _ in range(1 if key in ('boxes', 'points', 'background_points') else 2):
        entry = entry[0] if isinstance(entry, Sequence | np.ndarray) and len(entry) else ()
    return [shapes] if isinstance(entry, Real) else shapes


def _coordinates(shape: Shape, size: tuple[int, int]) -> Any:
    """What can be drawn: (N, 2) points, (4,) of a box, (5,) of an ellipse, (2,) of a mask."""
    if shape.kind not in _KINDS:
        raise ValueError(
            f'{shape.what} is not understood; shapes are polygons, boxes, circles, ellipses, '
            'masks, lines and points'
        )
    if shape.is_prompt and shape.value == IGNORED:
        raise ValueError(
            f'{shape.what} is not understood: what is ignored is marked by polygons, boxes, '
            'circles, ellipses or masks'
        )
    if shape.kind == 'segmentation':
        return shape.points  # checked when it was read
    if shape.kind in ('polygon', *_PROMPTS):
        points = check_points(shape.what, shape.points, size)
        least = 3 if shape.kind == 'polygon' else 1
        if len(points) < least:
            raise ValueError(
                f'{shape.what} is a list of at least {least} (x, y) points, got {points.tolist()}'
            )
        if shape.kind == 'point':
            _check_inside(shape.what, points, size)
        return points
    numbers = as_numbers(shape.what, shape.points)
    if shape.kind == 'box' and (
        numbers.shape != (4,) or not (numbers[0] < numbers[2] and numbers[1] < numbers[3])
    ):
        raise ValueError(
            f'{shape.what} is (x1, y1, x2, y2) with x1 < x2 and y1 < y2, got '
            f'{numbers.tolist()!r:.80}'
        )
    if shape.kind == 'ellipse' and (numbers.shape != (5,) or not (numbers[2:4] > 0).all()):
        raise ValueError(
            f'{shape.what} has a centre and radii of more than 0, got {numbers.tolist()!r:.80}'
        )
    check_near(shape.what, numbers[:4], size)
    if not np.isfinite(numbers).all():
        raise ValueError(f'{shape.what} has an angle of {numbers[-1]}')
    return numbers


def _check_inside(what: str, points: np.ndarray, size: tuple[int, int]) -> None:
    """Refuse clicks beside the image, which would mark nothing."""
    outside = points[((points < 0) | (points > (size[1], size[0]))).any(1)]
    if len(outside):
        raise ValueError(
            f'{what} at {tuple(outside[0].tolist())} lies beside its image of {size[1]}x{size[0]} '
            'pixels (width x height): a point is (x, y), column and row'
        )


def _in_pixels(checked: Iterable[tuple[Shape, Any]]) -> list[np.ndarray]:
    """Coordinates that could be shares of the image by mistake."""
    found = [points for shape, points in checked if shape.kind in ('polygon', 'box')]
    for shape, segmentation in checked:
        if shape.kind == 'segmentation' and isinstance(segmentation, list):
            found += [np.array(polygon) for polygon in segmentation if polygon]
    return found


def _draw_line(label: np.ndarray, points: np.ndarray, shape: Shape) -> None:
    pixels = np.floor(points).astype(np.int32)
    pixels = np.concatenate([pixels[:1], pixels])  # OpenCV draws no single point
    cv2.polylines(label, [pixels], False, shape.value, shape.width or 3)


def _draw_discs(label: np.ndarray, points: np.ndarray, shape: Shape) -> None:
    """Discs around the pixels that points lie in."""
    size = label.shape
    width = shape.width or max(3, round(_POINT_SHARE * max(size)))
    for x, y in np.floor(points) + 0.5:
        label[_ellipse(np.array([x, y, width / 2, width / 2, 0]), size)] = shape.value


def _region(shape: Shape, points: Any, size: tuple[int, int]) -> Any:
    """Pixels of a region, as an index of a label map."""
    if shape.kind == 'polygon':
        return _decode([points.reshape(-1).tolist()], size)
    if shape.kind == 'segmentation':
        return _decode(points, size)
    if shape.kind == 'box':
        return touched(points)
    if shape.kind == 'ellipse':
        return _ellipse(points, size)
    return _placed(shape.pixels, points, size)


def _decode(segmentation: list | Mapping, size: tuple[int, int]) -> np.ndarray:
    """(H, W) bool of polygons or a run-length code of COCO, by its rules."""
    if isinstance(segmentation, Mapping):
        is_text = isinstance(segmentation['counts'], str | bytes)
        code = segmentation if is_text else coco_mask.frPyObjects(segmentation, *size)
    else:
        polygons = [polygon for polygon in segmentation if len(polygon) >= 6]
        code = coco_mask.merge(coco_mask.frPyObjects(polygons, *size))
    return coco_mask.decode(code) > 0


def touched(box: np.ndarray) -> tuple[slice, slice]:
    """Pixels that a box touches."""
    x1, y1 = np.maximum(np.floor(box[:2]), 0).astype(int).tolist()
    x2, y2 = np.maximum(np.ceil(box[2:]), 0).astype(int).tolist()
    return slice(y1, y2), slice(x1, x2)


def _ellipse(ellipse: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(H, W) bool, pixels whose middle is inside."""
    x, y, along_x, along_y, degrees = ellipse
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    inside = np.zeros(size, bool)
    reach = max(along_x, along_y) + 1
    window = touched(np.array([x - reach, y - reach, x + reach, y + reach]))
    height, width = inside[window].shape
    rows = np.arange(height)[:, None] + window[0].start + 0.5 - y
    columns = np.arange(width) + window[1].start + 0.5 - x
    across, down = columns * cos + rows * sin, rows * cos - columns * sin
    inside[window] = (across / along_x) ** 2 + (down / along_y) ** 2 <= 1
    return inside


def _placed(pixels: np.ndarray | None, corner: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(H, W) bool, a mask at its place; what lies outside is cut off."""
    inside = np.zeros(size, bool)
    if pixels is None:
        return inside
    x, y = np.floor(corner).astype(int).tolist()
    left, up = max(-x, 0), max(-y, 0)
    part = pixels[up : max(size[0] - y, 0), left : max(size[1] - x, 0)]
    x, y = x + left, y + up
    inside[y : y + part.shape[0], x : x + part.shape[1]] = part
    return inside
