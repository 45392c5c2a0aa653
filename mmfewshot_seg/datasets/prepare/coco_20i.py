"""COCO-20i made ready: annotations and images checked, and indexed as configs will look for it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmfewshot_seg.classes.folds import COCO_CLASSES
from mmfewshot_seg.datasets.prepare.data_tree import DataTree
from mmfewshot_seg.datasets.sources.coco_20i import Coco20iSource
from mmfewshot_seg.datasets.sources.coco_json import read_coco_json

# Images and annotations by split.
OFFICIAL_COUNTS = {'train2014': (82783, 604907), 'val2014': (40504, 291875)}
_ORIGIN = 'Unpack {split}.zip and annotations_trainval{year}.zip of cocodataset.org/#download here'


@dataclass(frozen=True)
class PreparedSplit:
    """What a split holds.

    Attributes:
        split: Its name.
        images: Number of images.
        annotations: Number of annotations.
        without_objects: Images without any.
        images_of_class: Number of images by class name.
    """

    split: str
    images: int
    annotations: int
    without_objects: int
    images_of_class: Mapping[str, int]


def prepare_coco_20i(
    root: str | os.PathLike,
    split: str,
    counts: tuple[int, int] | None = None,
    index_dir: str | None = 'work_dirs/index',
) -> PreparedSplit:
    """Check a split of COCO, and make the index that its source needs, unless it is there.

    The index appears when all of it is written; it belongs to the data as ``root`` names them.

    Args:
        root: Folder with ``annotations/instances_<split>.json`` and ``<split>/``.
        split: ``'train2014'``, ...
        counts: Number of images and annotations expected; None: any.
        index_dir: See :class:`EpisodeSource`.

    Raises:
        FileNotFoundError: If files are missing; shows the tree.
        ValueError: If the json is not COCO's or has other numbers, or an image cannot be read or
            has not the size that the json states.
    """
    root = str(root).rstrip('/')
    ann_file, img_dir = f'{root}/annotations/instances_{split}.json', f'{root}/{split}'
    tree = DataTree(_ORIGIN.format(split=split, year=split[-4:]))
    content: dict = {}
    names: list[str] = []
    if tree.add_file(Path(ann_file)):
        content = read_coco_json(ann_file)
        names = [image['file_name'] for image in content['images']]
    tree.add_files(Path(img_dir), '', names)
    tree.check()
    found = len(names), len(content['annotations'])
    if counts is not None and found != tuple(counts):
        raise ValueError(
            f'{ann_file} has {found[0]} images and {found[1]} annotations instead of {counts[0]} '
            f'and {counts[1]}: it is not the file of the archive'
        )
    categories = {category['name'] for category in content['categories']}
    if lacking := [name for name in COCO_CLASSES if name not in categories]:
        raise ValueError(f'{ann_file} lacks categories of COCO: {", ".join(lacking)}')
    pairs = Coco20iSource(ann_file, img_dir, index_dir).pairs
    number = np.bincount(pairs[:, 1], minlength=len(COCO_CLASSES)).tolist()
    return PreparedSplit(
        split,
        *found,
        found[0] - len(np.unique(pairs[:, 0])),
        dict(zip(COCO_CLASSES, number, strict=True)),
    )
