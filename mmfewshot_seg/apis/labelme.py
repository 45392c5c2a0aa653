"""Files of LabelMe: what they draw of a class, in their order."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mmfewshot_seg.apis.shapes import Shape
from mmfewshot_seg.datasets.sources.coordinates import as_numbers
from mmfewshot_seg.datasets.sources.image_files import UnreadableImageError
from mmfewshot_seg.structures.labels import IGNORED

_KINDS = dict(polygon='polygon', rectangle='box', point='line', line='line', linestrip='line')
# LabelMe's own names for what is cut out of a shape, and for what is left out.
_SPECIAL = {'_background_': 0, 'background': 0, '__ignore__': IGNORED}


def read_labelme(path: str | Path, class_name: str, size: tuple[int, int]) -> list[Shape]:
    """Shapes of a class, and of what is cut out of it or ignored.

    Args:
        path: The file.
        class_name: Name of the shapes that count.
        size: (H, W) of the image.

    Raises:
        UnreadableImageError: If the file cannot be read as json.
        ValueError: If it is of another kind or of an image of another size, a shape lacks
            something or is of a kind that is not understood, or none has this name.
    """
    content = load_labelme(path)
    stated = content.get('imageHeight'), content.get('imageWidth')
    if None not in stated and stated != tuple(size):
        raise ValueError(
            f'{path} was drawn on an image of {stated[1]}x{stated[0]} pixels (imageWidth, '
            f'imageHeight), its image now has {size[1]}x{size[0]}: annotate this image, or take '
            'the image as it was'
        )
    shapes = [_named(path, number, shape) for number, shape in enumerate(content['shapes'])]
    names = sorted({shape['label'] for shape in shapes})
    if class_name not in names:
        raise ValueError(f'{path} has no shape named {class_name!r}, but {names}')
    values = {**_SPECIAL, class_name: 1}
    return [
        _shape(path, shape, values[shape['label']]) for shape in shapes if shape['label'] in values
    ]


def labelme_classes(path: str | Path) -> list[str]:
    """Names of the classes of which a file has shapes, sorted; raises as :func:`read_labelme`."""
    shapes = load_labelme(path)['shapes']
    names = {_named(path, number, shape)['label'] for number, shape in enumerate(shapes)}
    return sorted(names - _SPECIAL.keys())


def load_labelme(path: str | Path) -> dict:
    """Content of a file; raises as :func:`read_labelme`."""
    try:
        content = json.loads(Path(path).read_text(encoding='utf-8-sig'))
    except (OSError, ValueError, RecursionError) as error:
        raise UnreadableImageError(f'{path} cannot be read as json: {error}') from error
    if not isinstance(content, dict) or not isinstance(content.get('shapes'), list):
        raise ValueError(f"{path} is no file of LabelMe: it has no list 'shapes'")
    return content


def _named(path: str | Path, number: int, shape: object) -> Mapping:
    """A shape, if it is a dict with a name."""
    if not isinstance(shape, dict) or not isinstance(shape.get('label'), str):
        raise ValueError(f"{path}: shapes[{number}] has no 'label': {shape!r:.80}")
    return shape


def _shape(path: str | Path, shape: Mapping, value: int) -> Shape:
    name, kind = shape['label'], shape.get('shape_type') or 'polygon'  # as LabelMe reads it
    if (
        not isinstance(kind, str)
        or kind not in _KINDS
        or (value == IGNORED and _KINDS[kind] == 'line')
    ):
        raise ValueError(
            f'{path}: a {kind} named {name!r} is not understood; shapes of a class are '
            f'{", ".join(_KINDS)}, of __ignore__ polygons and rectangles'
        )
    what = f'{path}: a {kind} named {name!r}'
    if not shape.get('points'):
        raise ValueError(f"{what} has no 'points'")
    points = shape['points']
    if kind == 'rectangle':
        corners = as_numbers(what, points)
        if corners.shape != (2, 2):
            raise ValueError(f'{what} has two corners, got {points!r:.80}')
        points = np.concatenate([corners.min(0), corners.max(0)])
    return Shape(_KINDS[kind], points, value, what)
