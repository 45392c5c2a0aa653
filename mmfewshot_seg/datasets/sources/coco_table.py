"""A COCO instances json as arrays: a tenth of the memory of the objects that a parser makes.

``I`` images, ``A`` annotations.
"""

import os
import pickle
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmfewshot_seg.datasets.sources.coco_json import (
    FIELDS,
    field_fault,
    find_faults,
    read_coco_json,
    refuse_first,
)
from mmfewshot_seg.datasets.sources.coco_segmentation import check_segmentation
from mmfewshot_seg.files.json_stream import stream_lists

# What entries raise that are not as they should be.
_ODD = (ValueError, TypeError, KeyError, AttributeError, RecursionError)


@dataclass(frozen=True)
class CocoTable:
    """Images, categories and segmentations of a json.

    Worker processes of a data loader share the arrays; millions of small objects would be copied
    into each of them.

    Attributes:
        file_names: Of the I images, sorted.
        shapes: (I, 2) int64 heights and widths.
        categories: Entries of the json.
        category_ids: Ids of categories that annotations have.
        kinds: (A,) int32 places in ``category_ids``, in the order of the json.
        order: (A,) annotations, image by image, in the order of the json.
        firsts: (I + 1,) where the annotations of each image begin in ``order``.
        ends: (A + 1,) where each segmentation begins in ``content``.
        content: Pickled segmentations, one after the other.
    """

    file_names: list[str]
    shapes: np.ndarray
    categories: list[dict]
    category_ids: list
    kinds: np.ndarray
    order: np.ndarray
    firsts: np.ndarray
    ends: np.ndarray
    content: np.ndarray

    def segmentation(self, annotation: int) -> Any:
        """Polygons or run-length code of an annotation, as the json has it."""
        return pickle.loads(self.content.data[self.ends[annotation] : self.ends[annotation + 1]])

    def of_image(self, j: int) -> Iterator[tuple[int, Any]]:
        """Place of the category, and segmentation, of each annotation of an image."""
        for annotation in self.order[self.firsts[j] : self.firsts[j + 1]].tolist():
            yield int(self.kinds[annotation]), self.segmentation(annotation)


def read_coco_table(path: str | os.PathLike) -> CocoTable:
    """Read a json entry by entry.

    One that has annotations before their images, or a fault, is read as a whole instead.

    Raises:
        FileNotFoundError: If the json is missing.
        ValueError: As :func:`read_coco_json`, if a segmentation is broken, or if there are boxes
            alone.
    """
    try:
        return _table(path, stream_lists(path, FIELDS))
    except _ODD:
        content = read_coco_json(path)
        return _table(path, ((key, entry) for key in FIELDS for entry in content[key]))


def _table(path: str | os.PathLike, entries: Iterable[tuple[str, Any]]) -> CocoTable:
    images: dict[Any, dict] = {}
    categories: list[dict] = []
    numbers: dict[Any, int] = {}  # of images, by id
    places: dict[Any, int] = {}  # of categories, in the order in which annotations name them
    owners, kinds, ends, content = array('q'), array('i'), array('q', [0]), bytearray()
    empty = True
    for key, entry in entries:
        if fault := field_fault(key, len(owners), entry, FIELDS[key]):
            raise fault
        if key == 'images':
            if entry['id'] in images:
                raise ValueError(f'{path} names image {entry["id"]} twice')
            numbers[entry['id']] = len(images)
            images[entry['id']] = {field: entry[field] for field in FIELDS[key]}
        elif key == 'categories':
            categories.append(entry)
        else:
            segmentation = entry.get('segmentation')
            what = f'{path}: annotation {entry.get("id")}'
            check_segmentation(what, segmentation, images[entry['image_id']])
            empty = empty and segmentation == []
            owners.append(numbers[entry['image_id']])
            kinds.append(places.setdefault(entry['category_id'], len(places)))
            content += pickle.dumps(segmentation, protocol=5)
            ends.append(len(content))
    stated = dict(images=list(images.values()), categories=categories, annotations=[])
    refuse_first(path, find_faults(stated, detection=False, masks=False))
    if unknown := places.keys() - {category['id'] for category in categories}:
        raise ValueError(f'{path} has annotations of unknown categories, {unknown}')
    if owners and empty:
        raise ValueError(
            f'{path} has boxes only: all {len(owners)} segmentations are empty, as '
            'in exports for detection. Export polygons or run-length codes, or draw masks from the '
            'boxes with an annotation tool'
        )
    if not images:
        raise ValueError(f'{path} names no images')
    sizes = np.array([(image['height'], image['width']) for image in stated['images']])
    names = [image['file_name'] for image in stated['images']]
    by_name = np.array(sorted(range(len(names)), key=names.__getitem__))
    ranks = np.empty_like(by_name)
    ranks[by_name] = np.arange(len(names))
    rows = ranks[np.frombuffer(owners, np.int64)]
    order = np.argsort(rows, kind='stable')
    return CocoTable(
        file_names=[names[number] for number in by_name],
        shapes=sizes[by_name],
        categories=categories,
        category_ids=list(places),
        kinds=np.frombuffer(kinds, np.int32),
        order=order,
        firsts=np.searchsorted(rows[order], np.arange(len(names) + 1)),
        ends=np.frombuffer(ends, np.int64),
        content=np.frombuffer(content, np.uint8),
    )
