"""What marks a class in an image, in any of the forms people have, as one label map.

Label values: 0 background, 1 the class, 255 not annotated.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as coco_mask

from mmfewshot_seg.datasets.sources.image_files import decoding, read_mask
from mmfewshot_seg.structures.labels import IGNORED

Annotation = np.ndarray | str | Path | Mapping

SHAPES = ('polygons', 'boxes', 'scribbles')
_LABELME_SHAPES = dict(
    polygon='polygons',
    rectangle='boxes',
    point='scribbles',
    line='scribbles',
    linestrip='scribbles',
)


def annotation_label(
    annotation: Annotation,
    shape: tuple[int, int],
    class_name: str,
    threshold: int | None = None,
) -> np.ndarray:
    """Label map of an annotation.

    Args:
        annotation: One of

            * an (H, W) array, bool or integers: 0 background, 1 the class, 255 not annotated;
              without any 1, 255 is the class;
            * the path of an image file with such values;
            * the path of a ``.json`` file of LabelMe; its shapes named ``class_name`` count, and
              lines named ``'background'``;
            * a dict with ``polygons`` (lists of (x, y) points), ``boxes`` (x1, y1, x2, y2), or
              ``scribbles`` and ``background`` (lists of points, drawn as lines of ``width`` pixels,
              3 by default). Pixel (0, 0) reaches from 0 to 1. What lies outside polygons and boxes
              is background; with scribbles everything else is not annotated.
        shape: (H, W) of the image.
        class_name: Of the class that is marked.
        threshold: Grey value from which on a pixel is of the class, for arrays and files with
            smooth edges.

    Returns:
        (H, W) uint8, with at least one pixel of the class.

    Raises:
        TypeError: If ``annotation`` is none of these.
        ValueError: If it does not fit the image, or marks no pixel.
    """
    if isinstance(annotation, Mapping):
        label = _shapes_label(annotation, shape)
    elif isinstance(annotation, np.ndarray):
        label = _array_label(annotation, threshold)
    elif isinstance(annotation, str | Path):
        if Path(annotation).suffix.lower() == '.json':
            label = _shapes_label(read_labelme(annotation, class_name), shape)
        else:
            mask = read_mask(str(annotation), grey=threshold is not None)
            label = _array_label(mask, threshold)
    else:
        raise TypeError(
            'a mask is an array, the path of a file, or a dict of polygons, boxes or scribbles, '
            f'not {type(annotation).__name__}'
        )
    if label.shape != tuple(shape):
        raise ValueError(f'the mask has the size {label.shape}, its image {tuple(shape)} (H, W)')
    if not (label == 1).any():
        raise ValueError(f'the mask marks no pixel of {class_name!r}')
    if (label == IGNORED).any() and not (label == 0).any():
        raise ValueError(
            f'the mask marks {class_name!r} but no background; with scribbles mark both: '
            'dict(scribbles=[...], background=[...])'
        )
    return label


def read_labelme(path: str | Path, class_name: str) -> dict[str, list]:
    """Shapes of a class in a file of LabelMe, as :func:`annotation_label` takes them.

    Raises:
        ValueError: If the file is of another kind, or has no shape of this name.
    """
    with decoding(str(path)):
        shapes = json.loads(Path(path).read_text(encoding='utf-8'))['shapes']
        names = sorted({shape['label'] for shape in shapes})
    found = {}
    for shape in shapes:
        if shape['label'] not in (class_name, 'background'):
            continue
        kind = _LABELME_SHAPES.get(shape['shape_type'])
        if shape['label'] == 'background' and kind == 'scribbles':
            found.setdefault('background', []).append(shape['points'])
        elif shape['label'] == class_name and kind is not None:
            points = np.asarray(shape['points'], float)
            if kind == 'boxes':
                points = np.concatenate([points.min(0), points.max(0)])
            found.setdefault(kind, []).append(points)
        else:
            raise ValueError(
                f'{path}: a {shape["shape_type"]} named {shape["label"]!r} is not understood; '
                f'shapes of a class are {", ".join(_LABELME_SHAPES)}, of the background lines'
            )
    if not found.keys() & set(SHAPES):
        raise ValueError(f'{path} has no shape named {class_name!r}, but {names}')
    return found


def _array_label(mask: np.ndarray, threshold: int | None) -> np.ndarray:
    if mask.ndim != 2:
        raise ValueError(f'a mask has the shape (H, W), got {mask.shape}')
    if threshold is not None:
        return (mask >= threshold).astype(np.uint8)
    values = np.unique(mask)
    if not np.isin(values, (0, 1, IGNORED)).all():
        raise ValueError(
            f'mask values are 0 (background), 1 (the class) and 255 (not annotated), or 0 and 255 '
            f'(the class); found {values[:10].tolist()}. For masks with smooth edges set '
            'mask_threshold=128'
        )
    return (mask if 1 in values else mask > 0).astype(np.uint8)


def _shapes_label(shapes: Mapping, shape: tuple[int, int]) -> np.ndarray:
    unknown = shapes.keys() - {*SHAPES, 'background', 'width'}
    if unknown or not shapes.keys() & set(SHAPES):
        raise ValueError(
            f'a mask of shapes has some of the keys {SHAPES}, and background and width beside '
            f'scribbles; got {sorted(shapes)}'
        )
    label = np.full(shape, IGNORED if 'scribbles' in shapes else 0, np.uint8)
    for value, key in ((0, 'background'), (1, 'scribbles')):
        for line in shapes.get(key, ()):
            points = np.floor(_points(line, 'a scribble')).astype(np.int32)
            points = np.concatenate([points[:1], points])  # OpenCV draws no single point
            cv2.polylines(label, [points], False, value, shapes.get('width', 3))
    for polygon in shapes.get('polygons', ()):
        label[_inside(_points(polygon, 'a polygon', 3), shape)] = 1
    for box in shapes.get('boxes', ()):
        label[_box(box)] = 1
    return label


def _points(points: Sequence, what: str, at_least: int = 1) -> np.ndarray:
    points = np.asarray(points, float)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < at_least:
        raise ValueError(f'{what} is a list of at least {at_least} (x, y) points, got {points}')
    return points


def _inside(polygon: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(H, W) bool, pixels inside a polygon, by the rules of COCO."""
    (encoded,) = coco_mask.frPyObjects([polygon.reshape(-1).tolist()], *shape)
    return coco_mask.decode(encoded) > 0


def _box(box: Sequence[float]) -> tuple[slice, slice]:
    """Pixels that a box touches."""
    if len(box) != 4 or not (box[0] < box[2] and box[1] < box[3]):
        raise ValueError(f'a box is (x1, y1, x2, y2) with x1 < x2 and y1 < y2, got {box}')
    x1, y1 = (max(int(np.floor(value)), 0) for value in box[:2])
    x2, y2 = (max(int(np.ceil(value)), 0) for value in box[2:])
    return slice(y1, y2), slice(x1, x2)
