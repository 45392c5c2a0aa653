"""What marks a class in an image, in any of the forms people have, as one label map.

Label values: 0 background, 1 the class, 255 not annotated.
"""

from collections.abc import Mapping

import numpy as np

from mmfewshot_seg.annotations.annotated_image import AnnotatedImage
from mmfewshot_seg.annotations.mask_folders import mask_file_label
from mmfewshot_seg.annotations.shapes import draw, shapes_of
from mmfewshot_seg.datasets.sources.masks import MaskSource, Value
from mmfewshot_seg.structures.labels import IGNORED

Annotation = MaskSource | Mapping | AnnotatedImage


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
              and points named ``'background'``, regions named ``'_background_'``, which are cut
              out, and ``'__ignore__'``, which are not annotated;
            * a dict with ``polygons`` (lists of (x, y) points), ``boxes`` (x1, y1, x2, y2),
              ``scribbles`` and ``background`` (lists of points, drawn as lines of ``width`` pixels,
              3 by default), ``points`` and ``background_points`` ((x, y), clicks, drawn as discs
              of 1.5 % of the longer side, or of ``width``); a single one needs no list around it.
              Pixel (0, 0) reaches from 0 to 1. What lies outside polygons and boxes is background;
              with scribbles or points everything else is not annotated;
            * an image of :func:`read_annotations`.
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
    if isinstance(annotation, AnnotatedImage):
        label = annotation.label(class_name, shape)
    elif isinstance(annotation, Mapping):
        label = draw(shapes_of(annotation), shape)
    elif isinstance(annotation, MaskSource):
        label = mask_file_label(annotation, class_name, shape, threshold, value)
    else:
        raise TypeError(
            'a mask is an array, a PIL image, the path of a file, or a dict of polygons, boxes, '
            f'scribbles or points, not {type(annotation).__name__}'
        )
    if label.shape != tuple(shape):
        raise ValueError(f'the mask has the size {label.shape}, its image {tuple(shape)} (H, W)')
    if not (label == 1).any():
        raise ValueError(f'the mask marks no pixel of {class_name!r}')
    if (label == IGNORED).any() and not (label == 0).any():
        raise ValueError(
            f'the mask marks {class_name!r} but no background; with scribbles and '
            'points mark both: dict(scribbles=[...], background=[...]), dict(points=[...], '
            "background_points=[...]); in LabelMe and CVAT by others named 'background'"
        )
    return label
