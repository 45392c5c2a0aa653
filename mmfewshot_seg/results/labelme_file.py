"""Results as files of LabelMe, for people to correct.

Polygons, for LabelMe moves corners and not pixels. What a person has made or corrected is told
from a prediction that nobody has touched by the flag ``predicted`` and a digest of the shapes,
which LabelMe keeps: a prediction with another shape, or without the flag, is a person's.
"""

import base64
import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from mmfewshot_seg.results.image_result import ImageResult
from mmfewshot_seg.results.instances import in_drawing_order

VERSION = '5.5.0'  # of LabelMe, since when the format is what it is
FLAG = 'predicted'
_DIGEST = 'prediction'
_HOLE = '_background_'  # LabelMe's own name for what belongs to no class
# Names that mean no class where files are read: what is cut out, what is not annotated.
NO_CLASS = (_HOLE, 'background', '__ignore__')


def check_names(class_names: Sequence[str]) -> None:
    """Refuse classes whose shapes would be read as none.

    Raises:
        ValueError: If a name is one of ``NO_CLASS``.
    """
    for name in class_names:
        if name in NO_CLASS:
            raise ValueError(
                f'files of LabelMe cannot have a class {name!r}: its shapes would be read as '
                f'{"not annotated" if name == "__ignore__" else "cut out"}. Name it otherwise, or '
                'leave out the format labelme'
            )


def labelme_text(
    result: ImageResult,
    image_path: str,
    image: np.ndarray | None = None,
    tolerance: float = 1,
) -> str:
    """Content of a file of LabelMe.

    Shapes are drawn in their order, holes after what they are cut out of, see
    :func:`in_drawing_order`. Shapes of an instance in pieces have a group of their own.

    Args:
        result: What was found.
        image_path: The image as seen from the folder of the file.
        image: (H, W, 3) uint8 BGR, put into the file where the image has none of its own.
        tolerance: Pixels by which outlines may be off, see :meth:`Instance.rings`.
    """
    shapes = []
    order = in_drawing_order(result.instances, result.size)
    pieces = Counter(number for number, _ in order)
    for number, instance in order:
        outer, holes = instance.rings(tolerance)
        group = number if pieces[number] > 1 else None
        score = round(instance.score, 4)
        shapes.append(_shape(instance.class_name, outer, group_id=group, score=score))
        shapes += [_shape(_HOLE, hole) for hole in holes]
    content = dict(
        version=VERSION,
        flags={FLAG: True},
        shapes=shapes,
        imagePath=image_path,
        imageData=None if image is None else _encoded(image),
        imageHeight=result.size[0],
        imageWidth=result.size[1],
    )
    return json.dumps({**content, _DIGEST: _digest(shapes)}, ensure_ascii=False, indent=1)


def is_prediction(content: object) -> bool:
    """Whether the content of a file of LabelMe is a prediction that no person has changed."""
    if not isinstance(content, Mapping) or not isinstance(content.get('flags'), Mapping):
        return False
    try:
        untouched = content.get(_DIGEST) == _digest(content['shapes'])
    except (KeyError, TypeError, ValueError):  # nothing that this package writes
        return False
    return untouched and content['flags'].get(FLAG) is True


def relative_path(image: str | Path, folder: str | Path) -> str:
    """The path of an image, as seen from a folder."""
    try:
        return Path(os.path.relpath(image, folder)).as_posix()
    except ValueError:  # on another drive of Windows
        return Path(image).absolute().as_posix()


def _shape(label: str, ring: np.ndarray, **more) -> dict:
    return dict(
        dict(group_id=None, description='', shape_type='polygon', flags={}, mask=None),
        label=label,
        points=ring.astype(float).tolist(),
        **more,
    )


def _digest(shapes: list) -> str:
    drawn = [
        (shape['label'], shape['shape_type'], np.asarray(shape['points'], float).tolist())
        for shape in shapes
    ]
    return hashlib.sha256(json.dumps(drawn).encode()).hexdigest()


def _encoded(image: np.ndarray) -> str:
    return base64.b64encode(cv2.imencode('.png', image)[1].tobytes()).decode()
