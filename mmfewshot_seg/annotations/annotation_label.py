"""What marks a class in an image, in any of the forms people have, as one label map.

Label values: 0 background, 1 the class, 255 not annotated.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mmfewshot_seg.annotations.labelme import read_labelme
from mmfewshot_seg.annotations.shapes import draw, shapes_of
from mmfewshot_seg.datasets.sources.masks import MaskSource, Value, mask_label
from mmfewshot_seg.structures.labels import IGNORED

Annotation = MaskSource | Mapping


def annotation_label(
    annotation: Annotation,
    shape: tuple[int, int],
    class_name: str,
    threshold: float | None = None,
    value: Value | None = None,
) -> np.ndarray:
    """Label map of an annotation.

    Args:
        annotation: One of

            * an (H, W) array, bool or numbers: 0 background, 1 the class, 255 not annotated;
              without any 1, 255 is the class; or (H, W, 3) BGR, (H, W, 4) BGRA: the class in white
              or in one colour on black, or transparency alone;
            * a PIL image, or the path of an image file, with the same;
            * the path of a ``.json`` file of LabelMe; its shapes named ``class_name`` count, lines
              named ``'background'``, polygons and rectangles named ``'_background_'``, which are
              cut out, and ``'__ignore__'``, which are not annotated;
            * a dict with ``polygons`` (lists of (x, y) points), ``boxes`` (x1, y1, x2, y2), or
              ``scribbles`` and ``background`` (lists of points, drawn as lines of ``width`` pixels,
              3 by default); a single one needs no list around it. Pixel (0, 0) reaches from 0 to
              1. What lies outside polygons and boxes is background; with scribbles everything else
              is not annotated.
        shape: (H, W) of the image.
        class_name: Name of the class that is marked.
        threshold: Grey value from which on a pixel is of the class, for masks with smooth edges.
        value: Value, or RGB colour, of the class, for masks of several; 255 is not annotated.

    Returns:
        (H, W) uint8, with at least one pixel of the class.

    Raises:
        TypeError: If ``annotation`` is none of these.
        ValueError: If it does not fit the image, or marks no pixel.
    """
    if isinstance(annotation, Mapping):
        label = draw(shapes_of(annotation), shape)
    elif not isinstance(annotation, MaskSource):
        raise TypeError(
            'a mask is an array, a PIL image, the path of a file, or a dict of polygons, boxes or '
            f'scribbles, not {type(annotation).__name__}'
        )
    elif isinstance(annotation, str | Path) and Path(annotation).suffix.lower() == '.json':
        label = draw(read_labelme(annotation, class_name, shape), shape)
    else:
        label = mask_label(annotation, threshold, value)
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
