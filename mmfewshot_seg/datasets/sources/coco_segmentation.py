"""Segmentations of COCO's format, checked before pycocotools sees them.

pycocotools takes odd numbers as they are, and reads or fills memory that is not its own.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from mmfewshot_seg.datasets.sources.coco_faults import (
    BAD_POLYGON,
    BAD_RUN_LENGTHS,
    FIELD,
    NO_MASK,
    SHARES,
    CocoFault,
)
from mmfewshot_seg.datasets.sources.coordinates import FARTHEST, LONGEST, check_points

LONGEST_NUMBER = 8  # characters of a count: 40 bits


def check_segmentation(what: str, segmentation: object, image: Mapping) -> None:
    """Refuse what pycocotools does not survive.

    Args:
        what: Names the annotation in messages.
        segmentation: Polygons ``[[x1, y1, x2, y2, ...], ...]`` or a run-length code.
        image: Entry of its image.

    Raises:
        CocoFault: If it is neither, or does not fit the image.
    """
    if isinstance(segmentation, dict):
        _check_run_lengths(what, segmentation, image)
    elif isinstance(segmentation, list):
        _check_polygons(what, segmentation, image)
    else:
        raise CocoFault(NO_MASK, f'{what} has no segmentation: {segmentation!r:.80}')


def has_mask(segmentation: list | dict) -> bool:
    """Whether a segmentation that was checked is a run-length code or has three points."""
    return isinstance(segmentation, dict) or any(len(polygon) >= 6 for polygon in segmentation)


def check_crowd(what: str, annotation: Mapping) -> bool:
    """Whether an annotation is a crowd; one that does not tell is none.

    Raises:
        CocoFault: If ``iscrowd`` is neither 0 nor 1: libraries take the text ``'0'`` for yes.
    """
    crowd = annotation.get('iscrowd') or 0
    if crowd not in (0, 1):
        raise CocoFault(FIELD, f'{what}: iscrowd must be 0 or 1, got {crowd!r:.80}')
    return bool(crowd)


def shares_fault(segmentations: Iterable[object]) -> CocoFault | None:
    """The fault of a file in which all coordinates of polygons are from 0 to 1, if it is there.

    Drawn as pixels, such polygons are empty or one pixel.

    Args:
        segmentations: Of all annotations, checked or not.
    """
    number = 0
    for segmentation in segmentations:
        if isinstance(segmentation, list) and any(segmentation):
            number += 1
            if not all(isinstance(p, list) and all(map(_is_share, p)) for p in segmentation):
                return None
    if number < 2:  # one may be a speck in the first corner
        return None
    return CocoFault(SHARES, f'{number} segmentations have no coordinate above 1')


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1


def _name(image: Mapping) -> object:
    return image.get('file_name', image['id'])


def _check_polygons(what: str, polygons: list, image: Mapping) -> None:
    for polygon in polygons:
        if not isinstance(polygon, list) or not set(map(type, polygon)) <= {int, float}:
            raise CocoFault(
                BAD_POLYGON, f'{what} has a polygon that is no list of numbers: {polygon!r:.80}'
            )
        if len(polygon) % 2:
            raise CocoFault(
                BAD_POLYGON,
                f'{what} has a polygon with an odd number of coordinates, {len(polygon)}',
            )
        size = image['height'], image['width']
        farthest = max(max(polygon), -min(polygon)) if polygon else 0
        if not (farthest <= FARTHEST * max(size) and len(polygon) * farthest <= LONGEST):
            name = f'{what}: a polygon of {_name(image)}'
            points = list(zip(polygon[::2], polygon[1::2], strict=True))
            try:
                check_points(name, points, size)  # slow, COCO has a million polygons
            except ValueError as error:
                raise CocoFault(BAD_POLYGON, str(error)) from error


def _check_run_lengths(what: str, code: Mapping, image: Mapping) -> None:
    if not {'size', 'counts'} <= code.keys():
        raise CocoFault(
            BAD_RUN_LENGTHS,
            f'{what} has a run-length code without size or counts: {sorted(code)}',
        )
    shape, counts = [image['height'], image['width']], code['counts']
    if code['size'] != shape:
        raise CocoFault(
            BAD_RUN_LENGTHS,
            f'{what} has a run-length code of size {code["size"]}, its image '
            f'{_name(image)} is {shape} (height, width)',
        )
    if not _fill(counts, shape[0] * shape[1]):
        raise CocoFault(
            BAD_RUN_LENGTHS,
            f'{what} has a broken run-length code: its counts must be whole numbers that add up '
            f'to the {shape[0] * shape[1]} pixels of its image {_name(image)}',
        )


def _fill(counts: object, area: int) -> bool:
    """Whether counts, or a compressed code, are whole numbers that add up to an area."""
    if isinstance(counts, str):
        numbers = _decompress(counts)
        return numbers is not None and bool(
            ((numbers >= 0) & (numbers <= area)).all() and numbers.sum() == area
        )
    return (
        isinstance(counts, list)
        and set(map(type, counts)) <= {int}
        and min(counts, default=0) >= 0
        and sum(counts) == area
    )


def _decompress(text: str) -> np.ndarray | None:
    """(M,) int64 counts of a compressed run-length code, None if the text is none.

    A number has 5 bits per character, the lowest first, and 32 where it goes on; from the fourth
    on it is the difference to the number before the last.
    """
    try:
        bits = np.frombuffer(text.encode('ascii'), np.uint8).astype(np.int64) - 48
    except UnicodeEncodeError:
        return None
    if not bits.size:
        return bits
    last = bits & 32 == 0
    if not last[-1] or ((bits < 0) | (bits >= 64)).any():
        return None
    ends = np.flatnonzero(last)
    lengths = np.diff(ends, prepend=-1)
    if lengths.max() > LONGEST_NUMBER:
        return None
    starts = ends - lengths + 1
    places = np.arange(bits.size) - np.repeat(starts, lengths)
    numbers = np.add.reduceat((bits & 31) << 5 * places, starts)
    numbers -= np.where(bits[ends] & 16, 1 << 5 * lengths, 0)
    numbers[1::2] = numbers[1::2].cumsum()
    numbers[2::2] = numbers[2::2].cumsum()
    return numbers
