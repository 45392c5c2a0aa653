"""Files of LabelMe: a json for each image."""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mmfewshot_seg.annotations.annotated_image import AnnotationSet
from mmfewshot_seg.annotations.drawn_image import DrawnImage, describe_shapes
from mmfewshot_seg.annotations.image_places import exists, plain
from mmfewshot_seg.annotations.shapes import Shape
from mmfewshot_seg.datasets.sources.coco_json import read_json
from mmfewshot_seg.datasets.sources.coordinates import as_numbers
from mmfewshot_seg.datasets.sources.image_files import (
    IMAGE_SUFFIXES,
    UnreadableImageError,
    decoding,
)
from mmfewshot_seg.results.labelme_file import is_prediction
from mmfewshot_seg.structures.labels import IGNORED

FORMAT = 'LabelMe'
_KINDS = dict(
    polygon='polygon',
    rectangle='box',
    circle='ellipse',
    mask='mask',
    point='point',
    points='point',
    line='line',
    linestrip='line',
)
# LabelMe's own names for what is cut out of a shape, and for what is left out.
_SPECIAL = {'_background_': 0, 'background': 0, '__ignore__': IGNORED}


def read_labelme_folder(
    folder: Path, files: Sequence[Path], img_dir: str | Path | None = None
) -> AnnotationSet:
    """Annotations of files of LabelMe in a folder.

    Args:
        folder: The folder.
        files: The files.
        img_dir: Where the images are; None: where ``imagePath`` says, or beside the json.

    Returns:
        Annotations of all files but predictions of this package that nobody has changed.

    Raises:
        ValueError: If a file is broken, or all are predictions.
        FileNotFoundError: If the image of one is missing.
    """
    made = [path for path in files if not is_prediction(load_labelme(path))]
    if not made:
        raise ValueError(
            f'{files[0]} is a prediction that nobody has changed, as are all files of LabelMe '
            'here: correct them in LabelMe and save, or name others'
        )
    images = tuple(read_labelme(path, img_dir) for path in made)
    for image in images:
        if not image.path:
            raise FileNotFoundError(
                f'{image.source}: its image is missing, neither where imagePath says nor beside '
                'the json; say where the images are: img_dir'
            )
    names = sorted({name for image in images for name in image.class_names})
    return AnnotationSet(FORMAT, str(folder), tuple(names), images, describe_shapes(images))


def read_labelme(path: str | Path, img_dir: str | Path | None = None) -> DrawnImage:
    """Shapes of a file; without the path of its image if that is not found.

    Args:
        path: The file.
        img_dir: Folder of the image, see :func:`read_labelme_folder`.

    Raises:
        UnreadableImageError: If the file cannot be read as json.
        ValueError: If it is of another kind, or a shape lacks something.
    """
    content = load_labelme(path)
    shapes = tuple(_shape(path, number, entry) for number, entry in enumerate(content['shapes']))
    height, width = content.get('imageHeight'), content.get('imageWidth')
    size = None if height is None or width is None else (height, width)
    if size and not all(isinstance(side, int | float) for side in size):
        raise ValueError(f'{path}: imageHeight and imageWidth are numbers, got {size!r:.80}')
    return DrawnImage(
        _image_of(Path(path), content.get('imagePath'), img_dir),
        str(path),
        shapes,
        size,
    )


def is_labelme(content: object) -> bool:
    """Whether the content of a json is LabelMe's."""
    return isinstance(content, dict) and isinstance(content.get('shapes'), list)


def load_labelme(path: str | Path) -> dict:
    """Content of a file; raises as :func:`read_labelme`."""
    try:
        content = read_json(path)
    except (OSError, ValueError) as error:
        raise UnreadableImageError(str(error)) from error
    if not is_labelme(content):
        raise ValueError(f"{path} is no file of LabelMe: it has no list 'shapes'")
    return content


def _image_of(path: Path, image_path: object, img_dir: str | Path | None) -> str:
    """Path of the image of a file, '' if there is none."""
    folders = [path.parent] if img_dir is None else [Path(img_dir), path.parent]
    names = [f'{path.stem}{each}' for suffix in IMAGE_SUFFIXES for each in (suffix, suffix.upper())]
    if isinstance(image_path, str) and image_path:
        names = [image_path, image_path.replace('\\', '/').rpartition('/')[2], *names]
    found = (plain(folder, name) for name in names for folder in folders if exists(folder, name))
    return str(next(found, ''))


def _shape(path: str | Path, number: int, entry: object) -> Shape:
    if not isinstance(entry, dict) or not isinstance(entry.get('label'), str):
        raise ValueError(f"{path}: shapes[{number}] has no 'label': {entry!r:.80}")
    name, kind = entry['label'], entry.get('shape_type') or 'polygon'  # as LabelMe reads it
    what = f'{path}: a {kind!s:.20} named {name!r}'
    if not entry.get('points'):
        raise ValueError(f"{what} has no 'points'")
    points, pixels = entry['points'], None
    if kind == 'rectangle':
        points = _corners(what, points)
    elif kind == 'circle':
        points = _circle(what, points)
    elif kind == 'mask':
        points, pixels = _mask(what, points, entry.get('mask'))
    group = entry.get('group_id')
    return Shape(
        _KINDS.get(kind, kind) if isinstance(kind, str) else repr(kind),
        points,
        _SPECIAL.get(name, 1),
        what,
        class_name=None if name in _SPECIAL else name,
        group=group if isinstance(group, int | str) else None,
        pixels=pixels,
    )


def _corners(what: str, points: Any) -> np.ndarray:
    """(4,) of a box from two or, as some programs write, four corners."""
    corners = as_numbers(what, points)
    of_four = corners.shape == (4, 2) and all(len(set(axis)) == 2 for axis in corners.T.tolist())
    if corners.shape != (2, 2) and not of_four:
        raise ValueError(f'{what} has two corners, got {points!r:.80}')
    return np.concatenate([corners.min(0), corners.max(0)])


def _circle(what: str, points: Any) -> np.ndarray:
    """(5,) of an ellipse from the centre and a point of the edge."""
    ends = as_numbers(what, points)
    if ends.shape != (2, 2):
        raise ValueError(f'{what} has a centre and a point of its edge, got {points!r:.80}')
    radius = np.linalg.norm(ends[1] - ends[0])
    return np.array([*ends[0], radius, radius, 0])


def _mask(what: str, points: Any, text: object) -> tuple[np.ndarray, np.ndarray]:
    """Upper left pixel and (h, w) bool of a mask: a PNG, in base64, between two pixels."""
    corners = as_numbers(what, points)
    if corners.shape != (2, 2) or not np.isfinite(corners).all():
        raise ValueError(f'{what} has its upper left and its lower right pixel, got {points!r:.80}')
    if not isinstance(text, str):
        raise ValueError(f"{what} has no 'mask', a PNG in base64: {text!r:.80}")
    try:
        data = b64decode(text, validate=True)
    except (Base64Error, ValueError) as error:
        raise ValueError(f"{what}: its 'mask' is no base64: {error}") from error
    corners = np.floor(corners)
    expected = tuple((corners[1] - corners[0] + 1).tolist())
    with decoding(what), Image.open(BytesIO(data)) as image:
        size, pixels = image.size, None
        if size == expected:
            pixels = np.array(image.convert('L') if image.mode != '1' else image) > 0
    if pixels is None:
        raise ValueError(
            f"{what}: its 'mask' is {size[0]}x{size[1]} pixels, between its two points are "
            f'{expected[0]:g}x{expected[1]:g}'
        )
    return corners[0], pixels
