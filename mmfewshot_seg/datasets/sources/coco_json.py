"""A json in COCO's instance format, checked entry by entry.

pycocotools takes odd numbers as they are, and reads or fills memory that is not its own.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise

from mmfewshot_seg.datasets.sources.coordinates import FARTHEST, LONGEST, check_points

_FIELDS = {
    'images': {'id': int | str, 'file_name': str, 'height': int, 'width': int},
    'categories': {'id': int | str, 'name': str},
    'annotations': {'image_id': int | str, 'category_id': int | str},
}


def read_coco_json(path: str) -> dict:
    """Images, categories and annotations; the segmentations are not looked into.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no json, lacks a list or an entry lacks a field, the message
            names file and entry; if there are no images, or one is listed twice.
    """
    try:
        with open(path, encoding='utf-8') as file:
            content = json.load(file, parse_constant=_refuse_constant)
    except ValueError as error:
        raise ValueError(f'{path} cannot be read as json: {error}') from error
    lacking = _FIELDS.keys() - (content.keys() if isinstance(content, dict) else set())
    if lacking:
        raise ValueError(f'{path} is no COCO instances json, it lacks {sorted(lacking)}')
    for key, fields in _FIELDS.items():
        if not isinstance(content[key], list):
            raise ValueError(f'{path}: {key} is no list')
        _check_fields(path, key, content[key], fields)
    _check_images(path, content['images'])
    return content


def check_segmentation(what: str, segmentation: object, image: Mapping) -> None:
    """Refuse what pycocotools does not survive.

    Args:
        what: Names the annotation in messages.
        segmentation: Polygons ``[[x1, y1, x2, y2, ...], ...]`` or a run-length code.
        image: Entry of its image.

    Raises:
        ValueError: If it is neither, or does not fit the image.
    """
    if isinstance(segmentation, dict):
        _check_run_lengths(what, segmentation, image)
    elif isinstance(segmentation, list):
        _check_polygons(what, segmentation, image)
    else:
        raise ValueError(f'{what} has no segmentation; boxes alone are not enough')


def _refuse_constant(name: str) -> None:
    raise ValueError(f'it holds {name}, which is no number')


def _check_fields(path: str, key: str, entries: Sequence, fields: Mapping[str, type]) -> None:
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise ValueError(f'{path}: {key}[{number}] is no object: {entry!r:.80}')
        for field, kind in fields.items():
            value = entry.get(field)
            if not isinstance(value, kind) or isinstance(value, bool):
                kind = getattr(kind, '__name__', kind)
                raise ValueError(
                    f'{path}: {key}[{number}], id {entry.get("id")}: {field} must be {kind}, '
                    f'got {value!r:.80}'
                )


def _check_images(path: str, images: Sequence[Mapping]) -> None:
    if not images:
        raise ValueError(f'{path} names no images')
    for image in images:
        if min(image['height'], image['width']) < 1:
            raise ValueError(
                f'{path}: image {image["id"]} has height {image["height"]} and width '
                f'{image["width"]}, expected at least 1'
            )
    for field in ('file_name', 'id'):
        values = sorted((image[field] for image in images), key=str)
        if twice := [a for a, b in pairwise(values) if a == b]:
            raise ValueError(f'{path} lists an image twice: {field} {twice[0]}')


def _check_polygons(what: str, polygons: list, image: Mapping) -> None:
    for polygon in polygons:
        try:
            odd, farthest = len(polygon) % 2, max(map(abs, polygon), default=0)
        except TypeError:
            raise ValueError(
                f'{what} has a polygon that is no list of numbers: {polygon!r:.80}; a segmentation '
                'is a list of polygons, [[x1, y1, x2, y2, ...], ...]'
            ) from None
        if odd:
            raise ValueError(f'{what} has a polygon with an odd number of coordinates')
        size = (image['height'], image['width'])
        if not (farthest <= FARTHEST * max(size) and len(polygon) * farthest <= LONGEST):
            name = f'{what}: a polygon of {image["file_name"]}'
            points = list(zip(polygon[::2], polygon[1::2], strict=True))
            check_points(name, points, size)  # slow, COCO has a million polygons


def _check_run_lengths(what: str, code: Mapping, image: Mapping) -> None:
    if not {'size', 'counts'} <= code.keys():
        raise ValueError(f'{what} has a run-length code without size or counts: {sorted(code)}')
    shape, counts = [image['height'], image['width']], code['counts']
    if code['size'] != shape:
        raise ValueError(
            f'{what} has a run-length code of size {code["size"]}, its image '
            f'{image["file_name"]} is {shape} (height, width)'
        )
    if isinstance(counts, str):
        counts = _decompress(counts)
    if (
        not isinstance(counts, list)
        or not all(type(count) is int and count >= 0 for count in counts)
        or sum(counts) != shape[0] * shape[1]
    ):
        raise ValueError(
            f'{what} has a broken run-length code: its counts must be whole numbers that add up '
            f'to the {shape[0] * shape[1]} pixels of its image {image["file_name"]}'
        )


def _decompress(text: str) -> list[int] | None:
    """Counts of a compressed run-length code, None if the text is none.

    A number has 5 bits per character, the lowest first, and 32 where it goes on; from the fourth
    on it is the difference to the number before the last.
    """
    counts, value, shift = [], 0, 0
    for char in text:
        bits = ord(char) - 48
        if not 0 <= bits < 64:
            return None
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            if bits & 16:  # negative
                value -= 1 << shift
            counts.append(value + counts[-2] if len(counts) > 2 else value)
            value = shift = 0
    return None if shift else counts
