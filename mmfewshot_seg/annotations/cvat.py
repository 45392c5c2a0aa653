"""CVAT's own export, "CVAT for images": one XML file of all images."""

import math
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
from pycocotools import mask as coco_mask

from mmfewshot_seg.annotations.annotated_image import AnnotationSet
from mmfewshot_seg.annotations.drawn_image import DrawnImage, describe_shapes
from mmfewshot_seg.annotations.image_places import folder_of_images, image_paths
from mmfewshot_seg.annotations.shapes import Shape

FORMAT = 'CVAT for images'
_BACKGROUND = ('background', '_background_')
_NO_SHAPES = ('tag', 'attribute')
_MOST_PIXELS = 1 << 28  # of a mask


def read_cvat(
    path: str | Path,
    img_dir: str | Path | None = None,
    img_files: Sequence[str] | None = None,
) -> AnnotationSet:
    """Annotations of an XML file: polygons, boxes, ellipses, masks; lines and points as scribbles.

    Shapes named ``background`` are cut out, or scribbles on the background.

    Args:
        path: The file.
        img_dir: Folder of its images; None: it is looked for near the file.
        img_files: Its images, see :func:`read_annotations`.

    Raises:
        FileNotFoundError: If images are missing.
        ValueError: If the file is of another kind, or an entry is broken, naming it.
    """
    path = Path(path)
    root = _root(path)
    if root.find('track') is not None:
        raise ValueError(f"{path} is CVAT's export of a video: export it as 'CVAT for images 1.1'")
    entries = list(root.iter('image'))
    if not entries:
        raise ValueError(f'{path} names no images')
    labels = [label.findtext('name') or '' for label in root.iter('label')]
    names = _names(path, entries, img_dir) if img_files is None else _plain_names(path, entries)
    paths = image_paths(names, _places(path), str(path), img_dir, img_files)
    images = tuple(
        _image(path, image, entry) for image, entry in zip(paths, entries, strict=True) if image
    )
    marked = [name for image in images for name in image.class_names]
    known = dict.fromkeys(name for name in [*labels, *marked] if name not in _BACKGROUND)
    return AnnotationSet(FORMAT, str(path), tuple(known), images, describe_shapes(images))


def is_cvat(path: Path) -> bool:
    """Whether an XML file is CVAT's."""
    return _root(path).tag == 'annotations'


def _root(path: Path) -> Element:
    try:
        return ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # also unknown encodings
        raise ValueError(f'{path} cannot be read as XML: {error}') from error


def _places(path: Path) -> list[Path]:
    """Folders in which the images of an export mostly lie."""
    return [
        folder / name
        for folder in (path.parent, path.parent.parent)
        for name in ('', 'images', 'data')
    ]


def _plain_names(path: Path, entries: Sequence[Element]) -> list[str]:
    return [_text(path, entry, 'name') for entry in entries]


def _names(path: Path, entries: Sequence[Element], img_dir: str | Path | None) -> list[str]:
    """Names of the images; those of a project lie in a folder for each subset.

    Images of unlike subsets may have the same name.
    """
    names = _plain_names(path, entries)
    subsets = [entry.get('subset') for entry in entries]
    parted = [f'{part}/{n}' if part else n for part, n in zip(subsets, names, strict=True)]
    try:
        folder_of_images(parted, _places(path), str(path), img_dir)
    except FileNotFoundError:
        return names
    return parted


def _text(what: str | Path, entry: Element, name: str) -> str:
    value = entry.get(name)
    if value is None:
        raise ValueError(f'{what}: a {entry.tag} has no {name!r}: {dict(entry.attrib)!r:.80}')
    return value


def _numbers(what: str, entry: Element, *names: str) -> list[float]:
    words = [_text(what, entry, name) for name in names]
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        numbers = [math.nan]
    if not all(map(math.isfinite, numbers)):
        raise ValueError(f'{what}: {names} must be finite numbers, got {words!r:.80}')
    return numbers


def _image(path: Path, image: str, entry: Element) -> DrawnImage:
    what = f'{path}: image {entry.get("name")}'
    size = _numbers(what, entry, 'height', 'width')
    shapes = [shape for shape in entry if shape.tag not in _NO_SHAPES]
    shapes.sort(
        key=lambda shape: _numbers(what, shape, 'z_order')[0] if 'z_order' in shape.attrib else 0
    )
    drawn = tuple(_shape(what, shape) for shape in shapes)
    return DrawnImage(image, str(path), drawn, (int(size[0]), int(size[1])))


def _shape(where: str, entry: Element) -> Shape:
    name = _text(where, entry, 'label')
    what = f'{where}: a {entry.tag} named {name!r}'
    kind, points, code = _KINDS.get(entry.tag, _unknown)(what, entry)
    is_class = name not in _BACKGROUND
    group = entry.get('group_id')
    return Shape(
        kind,
        points,
        1 if is_class else 0,
        what,
        class_name=name if is_class else None,
        group=group if group not in (None, '', '0') else None,
        code=code,
    )


Drawing = tuple[str, np.ndarray, dict | None]


def _polygon(what: str, entry: Element) -> Drawing:
    return 'polygon', _points(what, entry), None


def _polyline(what: str, entry: Element) -> Drawing:
    return 'line', _points(what, entry), None


def _clicks(what: str, entry: Element) -> Drawing:
    return 'point', _points(what, entry), None


def _points(what: str, entry: Element) -> np.ndarray:
    text = _text(what, entry, 'points')
    try:
        return np.array([[float(x) for x in pair.split(',')] for pair in text.split(';') if pair])
    except ValueError:
        raise ValueError(f'{what}: points are x,y;x,y;..., got {text!r:.80}') from None


def _box(what: str, entry: Element) -> Drawing:
    """A box, or the polygon of one that is turned about its middle."""
    x1, y1, x2, y2 = corners = np.array(_numbers(what, entry, 'xtl', 'ytl', 'xbr', 'ybr'))
    angle = np.deg2rad(_numbers(what, entry, 'rotation')[0] if 'rotation' in entry.attrib else 0)
    if not angle:
        return 'box', corners, None
    middle = np.array([x1 + x2, y1 + y2]) / 2
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    outline = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]])
    return 'polygon', (outline - middle) @ turn + middle, None


def _ellipse(what: str, entry: Element) -> Drawing:
    angle = _numbers(what, entry, 'rotation') if 'rotation' in entry.attrib else [0.0]
    return 'ellipse', np.array(_numbers(what, entry, 'cx', 'cy', 'rx', 'ry') + angle), None


def _mask(what: str, entry: Element) -> Drawing:
    """Runs of pixels that are not and are of the mask in turn, row by row in its box."""
    left, top, width, height = _numbers(what, entry, 'left', 'top', 'width', 'height')
    text = _text(what, entry, 'rle')
    try:
        runs = np.array([int(run) for run in text.split(',')], np.int64)
    except (ValueError, OverflowError):
        raise ValueError(f'{what}: rle is a list of whole numbers, got {text!r:.80}') from None
    size = [int(width), int(height)]
    number = math.prod(size)
    if not (
        min(size) > 0 and number <= _MOST_PIXELS and (runs >= 0).all() and runs.sum() == number
    ):
        raise ValueError(
            f'{what}: the numbers of rle must add up to its {width:g}x{height:g} pixels, and be '
            f'at least 0; got {text!r:.80}'
        )
    code = coco_mask.frPyObjects(dict(size=size, counts=runs.tolist()), *size)
    return 'mask', np.array([left, top]), code


def _unknown(what: str, entry: Element) -> Drawing:
    """Refused when it is drawn: other classes of the file may do."""
    return entry.tag, np.empty(0), None


_KINDS = dict(
    polygon=_polygon,
    polyline=_polyline,
    points=_clicks,
    box=_box,
    ellipse=_ellipse,
    mask=_mask,
)
