"""CVAT's own export, "CVAT for images": one XML file of all images."""

import math
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np

from mmfewshot_seg.annotations.annotated_image import AnnotationSet
from mmfewshot_seg.annotations.drawn_image import DrawnImage, describe_shapes
from mmfewshot_seg.annotations.image_places import check_there, folder_of_images, plain
from mmfewshot_seg.annotations.shapes import Shape

FORMAT = 'CVAT for images'
_BACKGROUND = ('background', '_background_')
_NO_SHAPES = ('tag', 'attribute')
_MOST_PIXELS = 1 << 28  # of a mask


def read_cvat(path: str | Path, img_dir: str | Path | None = None) -> AnnotationSet:
    """Annotations of an XML file: polygons, boxes, ellipses, masks; lines and points as scribbles.

    Shapes named ``background`` are cut out, or scribbles on the background.

    Args:
        path: The file.
        img_dir: Folder of its images; None: it is looked for near the file.

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
    names = [label.findtext('name') or '' for label in root.iter('label')]
    files = _files(path, entries, img_dir)
    check_there(files, str(path))
    images = tuple(_image(path, file, entry) for file, entry in zip(files, entries, strict=True))
    marked = [name for image in images for name in image.class_names]
    known = dict.fromkeys(name for name in [*names, *marked] if name not in _BACKGROUND)
    return AnnotationSet(FORMAT, str(path), tuple(known), images, describe_shapes(images))


def is_cvat(path: Path) -> bool:
    """Whether an XML file is CVAT's."""
    return _root(path).tag == 'annotations'


def _root(path: Path) -> Element:
    try:
        return ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # also unknown encodings
        raise ValueError(f'{path} cannot be read as XML: {error}') from error


def _files(path: Path, entries: Sequence[Element], img_dir: str | Path | None) -> list[Path]:
    """Images of the entries; those of a project lie in a folder for each subset.

    Images of unlike subsets may have the same name.
    """
    places = [
        folder / name
        for folder in (path.parent, path.parent.parent)
        for name in ('', 'images', 'data')
    ]
    plain_names = [_text(path, entry, 'name') for entry in entries]
    subsets = [entry.get('subset') for entry in entries]
    names = [f'{part}/{n}' if part else n for part, n in zip(subsets, plain_names, strict=True)]
    try:
        folder = folder_of_images(names, places, str(path), img_dir)
    except FileNotFoundError:
        names = plain_names
        folder = folder_of_images(names, places, str(path), img_dir)
    return [plain(folder, name) for name in names]


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


def _image(path: Path, image: Path, entry: Element) -> DrawnImage:
    what = f'{path}: image {entry.get("name")}'
    size = _numbers(what, entry, 'height', 'width')
    shapes = [shape for shape in entry if shape.tag not in _NO_SHAPES]
    shapes.sort(
        key=lambda shape: _numbers(what, shape, 'z_order')[0] if 'z_order' in shape.attrib else 0
    )
    drawn = tuple(_shape(what, shape) for shape in shapes)
    return DrawnImage(str(image), str(path), drawn, (int(size[0]), int(size[1])))


def _shape(where: str, entry: Element) -> Shape:
    name = _text(where, entry, 'label')
    what = f'{where}: a {entry.tag} named {name!r}'
    kind, points, pixels = _KINDS.get(entry.tag, _unknown)(what, entry)
    is_class = name not in _BACKGROUND
    group = entry.get('group_id')
    return Shape(
        kind,
        points,
        1 if is_class else 0,
        what,
        class_name=name if is_class else None,
        group=group if group not in (None, '', '0') else None,
        pixels=pixels,
    )


Drawing = tuple[str, np.ndarray, np.ndarray | None]


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
    number = width * height
    if not (0 < number <= _MOST_PIXELS and (runs >= 0).all() and runs.sum() == number):
        raise ValueError(
            f'{what}: the numbers of rle must add up to its {width:g}x{height:g} pixels, and be '
            f'at least 0; got {text!r:.80}'
        )
    pixels = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(int(height), int(width))
    return 'mask', np.array([left, top]), pixels


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
