"""A json in COCO's instance format, checked entry by entry: the one reader of all parts.

Ids are compared with their type, as every library does: ``'7'`` is not ``7``.
"""

import json
import os
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from math import isfinite
from types import UnionType
from typing import Any

from mmfewshot_seg.datasets.sources.coco_faults import (
    BEYOND,
    CORNERS,
    FIELD,
    ID_ZERO,
    MIXED_IDS,
    NO_AREA,
    NO_IMAGE,
    NO_MASK,
    REFERENCE,
    SIZE,
    TWICE,
    UNREADABLE,
    CocoFault,
)
from mmfewshot_seg.datasets.sources.coco_segmentation import (
    check_crowd,
    check_segmentation,
    has_mask,
    shares_fault,
)
from mmfewshot_seg.datasets.sources.image_files import UnreadableImageError, image_shape

Fields = Mapping[str, type | UnionType]

FIELDS: dict[str, Fields] = {
    'images': {'id': int | str, 'file_name': str, 'height': int, 'width': int},
    'categories': {'id': int | str, 'name': str},
    'annotations': {'image_id': int | str, 'category_id': int | str},
}
_DETECTION_FIELDS: Fields = {'id': int, 'bbox': list, 'area': int | float}
_UNIQUE = (
    ('images', 'id'),
    ('images', 'file_name'),
    ('categories', 'id'),
    ('categories', 'name'),
    ('annotations', 'id'),
)
_NAMES = {'images': 'an image', 'categories': 'a category', 'annotations': 'an annotation'}


def read_json(path: str | os.PathLike) -> Any:
    """Content of a json file; a byte-order mark in front is no matter.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no json, holds NaN or infinity, or is nested too deeply.
    """
    try:
        with open(path, encoding='utf-8-sig') as file:
            return json.load(file, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError(f'{path} cannot be read as json: it is nested too deeply') from None
    except ValueError as error:
        raise ValueError(f'{path} cannot be read as json: {error}') from error


def read_coco_json(
    path: str | os.PathLike, detection: bool = False, masks: bool = False, file_names: bool = True
) -> dict:
    """Images, categories and annotations of a file without faults.

    Args:
        path: The file.
        detection: See :func:`find_faults`.
        masks: See :func:`find_faults`.
        file_names: See :func:`find_faults`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no json, lacks a list, names no images, or has a fault that
            breaks something; the message names file, entry and cure.
    """
    content = read_lists(path)
    refuse_first(path, find_faults(content, detection, masks, file_names))
    return content


def read_lists(path: str | os.PathLike) -> dict:
    """A json that holds the lists of images, categories and annotations, not looked into.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no json, lacks a list, or names no images.
    """
    content = read_json(path)
    lacking = FIELDS.keys() - (content.keys() if isinstance(content, dict) else set())
    if lacking:
        raise ValueError(f'{path} is no COCO instances json, it lacks {sorted(lacking)}')
    for key in FIELDS:
        if not isinstance(content[key], list):
            raise ValueError(f'{path}: {key} is no list')
    if not content['images']:
        raise ValueError(f'{path} names no images')
    return content


def refuse_first(path: str | os.PathLike, faults: Iterable[CocoFault]) -> None:
    """Raises the first fault that breaks something, with the file's name before it.

    Raises:
        ValueError: If there is one.
    """
    for fault in faults:
        if fault.kind.breaks:
            raise ValueError(f'{os.fspath(path)}: {fault}')


def find_faults(
    content: Mapping, detection: bool = True, masks: bool = True, file_names: bool = True
) -> Iterator[CocoFault]:
    """All faults of a file but those of its images; see :func:`find_image_faults`.

    Entries that lack a field are not looked into any further.

    Args:
        content: What :func:`read_lists` gave.
        detection: Whether ids, boxes and areas of the annotations are looked at, which detectors
            need.
        masks: Whether the segmentations are looked at.
        file_names: Whether images need them.
    """
    sound: dict[str, list[tuple[int, Mapping]]] = {}
    for key, fields in FIELDS.items():
        if key == 'annotations' and detection:
            fields = {**_DETECTION_FIELDS, **fields}
        if key == 'images' and not file_names:
            fields = {field: kind for field, kind in fields.items() if field != 'file_name'}
        wrong = [field_fault(key, n, entry, fields) for n, entry in enumerate(content[key])]
        yield from filter(None, wrong)
        sound[key] = [(n, e) for n, e in enumerate(content[key]) if wrong[n] is None]
    for key, field in _UNIQUE:
        if (field != 'file_name' or file_names) and (key != 'annotations' or detection):
            yield from _twice(key, field, sound[key])
    for key in ('images', 'categories'):
        if len(types := {type(entry['id']).__name__ for _, entry in sound[key]}) > 1:
            yield CocoFault(MIXED_IDS, f'{key} have ids of types {" and ".join(sorted(types))}')
    images = {entry['id']: entry for _, entry in sound['images']}
    categories = {entry['id']: entry for _, entry in sound['categories']}
    segmentations = (entry.get('segmentation') for _, entry in sound['annotations'])
    if masks and (in_shares := shares_fault(segmentations)):
        yield in_shares
    for number, annotation in sound['annotations']:
        try:
            _check_annotation(annotation, images, categories, detection, masks)
        except CocoFault as fault:
            fault.entry = ('annotations', number)
            yield fault


def find_image_faults(content: Mapping, folder: str | os.PathLike) -> Iterator[CocoFault]:
    """Images that are missing, cannot be read or have another size; only headers are read.

    Args:
        content: What :func:`read_lists` gave; images that lack a field are not looked into.
        folder: Where the files lie.
    """
    for number, image in enumerate(content['images']):
        if field_fault('images', number, image, FIELDS['images']):
            continue
        path, what = os.path.join(folder, image['file_name']), f'image {image["id"]}'
        stated = image['height'], image['width']
        if not os.path.isfile(path):
            yield CocoFault(NO_IMAGE, f'{what}: {path} does not exist')
            continue
        try:
            shape = image_shape(path, to_end=False)
        except UnreadableImageError as error:
            yield CocoFault(UNREADABLE, f'{what}: {error}')
            continue
        if shape != stated:
            yield CocoFault(
                SIZE,
                f'{what} has height {stated[0]} and width {stated[1]}, but {path} has height '
                f'{shape[0]} and width {shape[1]}',
            )


def _refuse_constant(name: str) -> None:
    raise ValueError(f'it holds {name}, which is no number')


def field_fault(key: str, number: int, entry: object, fields: Fields) -> CocoFault | None:
    """What is wrong with the fields of an entry, if anything.

    Args:
        key: Its list.
        number: Its place in the list.
        entry: The entry.
        fields: Types by the name of the field, as in ``FIELDS``.
    """
    if not isinstance(entry, dict):
        return CocoFault(FIELD, f'{key}[{number}] is no object: {entry!r:.80}')
    what = f'{key}[{number}], id {entry.get("id")}'
    for field, kind in fields.items():
        value = entry.get(field)
        if not isinstance(value, kind) or isinstance(value, bool):
            kinds = getattr(kind, '__name__', kind)
            return CocoFault(FIELD, f'{what}: {field} must be {kinds}, got {value!r:.80}')
    if key == 'images' and min(entry['height'], entry['width']) < 1:
        return CocoFault(
            FIELD,
            f'image {entry["id"]} has height {entry["height"]} and width {entry["width"]}, '
            'expected at least 1',
        )
    if 'bbox' in fields:
        numbers = [*entry['bbox'], entry['area']]
        if len(numbers) != 5 or not all(type(x) in (int, float) and isfinite(x) for x in numbers):
            return CocoFault(
                FIELD,
                f'{what}: bbox must be [x, y, width, height] and area a number, got '
                f'{entry["bbox"]!r:.80} and {entry["area"]}',
            )
    return None


def _twice(key: str, field: str, entries: Sequence[tuple[int, Mapping]]) -> Iterator[CocoFault]:
    first: dict[Hashable, Mapping] = {}
    for _, entry in entries:
        value = entry[field]
        if value not in first:
            first[value] = entry
            continue
        others = {'images': 'file_name', 'categories': 'name'}.get(key, 'image_id')
        other = 'id' if field != 'id' else others
        yield CocoFault(
            TWICE,
            f'{_NAMES[key]} is listed twice: {field} {value} '
            f'({other} {first[value].get(other)} and {entry.get(other)})',
        )


def _check_annotation(
    annotation: Mapping, images: Mapping, categories: Mapping, detection: bool, masks: bool
) -> None:
    what = f'annotation {annotation.get("id")}'
    check_crowd(what, annotation)
    _check_reference(what, 'image_id', annotation, images)
    _check_reference(what, 'category_id', annotation, categories)
    image = images[annotation['image_id']]
    if masks:
        segmentation: Any = annotation.get('segmentation')
        check_segmentation(what, segmentation, image)
        if not has_mask(segmentation):
            raise CocoFault(NO_MASK, f'{what} has no polygon of three points: {segmentation!r:.80}')
    if detection:
        if annotation['id'] == 0:
            raise CocoFault(ID_ZERO, f'{what} of image {image["id"]}')
        x, y, width, height = annotation['bbox']
        across = min(x + width, image['width']) - max(x, 0)
        down = min(y + height, image['height']) - max(y, 0)
        if min(width, height) < 1 or min(across, down) <= 0 or annotation['area'] <= 0:
            raise CocoFault(
                NO_AREA,
                f'{what} of image {image["id"]} has bbox {annotation["bbox"]} and area '
                f'{annotation["area"]}',
            )
        _check_box(what, annotation['bbox'], annotation.get('segmentation') if masks else [], image)


def _check_box(what: str, box: list[float], polygons: Any, image: Mapping) -> None:
    """Refuse two corners in place of a corner and a size, as far as that shows."""
    x, y, width, height = box
    if isinstance(polygons, list) and polygons and all(polygons):
        ends = [
            edge(edge(polygon[axis::2]) for polygon in polygons)
            for edge in (min, max)
            for axis in (0, 1)
        ]
        if _near(box, ends) and not _near([x, y, x + width, y + height], ends):
            raise CocoFault(
                CORNERS,
                f'{what} of image {image["id"]} has bbox {box}, the corners of its polygons',
            )
    if x + width > image['width'] + 1 or y + height > image['height'] + 1:
        raise CocoFault(
            BEYOND,
            f'{what} of image {image["id"]} has bbox {box}, its image is {image["width"]}x'
            f'{image["height"]} pixels',
        )


def _near(numbers: Sequence[float], others: Sequence[float]) -> bool:
    """Whether they are equal to a pixel."""
    return all(abs(a - b) <= 1 for a, b in zip(numbers, others, strict=True))


def _check_reference(what: str, field: str, annotation: Mapping, known: Mapping) -> None:
    value = annotation[field]
    if value in known:
        return
    names = {'image_id': 'images', 'category_id': 'categories'}[field]
    alike = [key for key in known if str(key) == str(value)]
    hint = f'; there is {alike[0]!r}, which is another type' if alike else ''
    raise CocoFault(
        REFERENCE, f'{what} has {field} {value!r}, which is not among the {names}{hint}'
    )
