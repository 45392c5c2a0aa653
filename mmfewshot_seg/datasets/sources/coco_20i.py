"""Source: COCO-20i, or other images, from a COCO instances json; masks are drawn when needed."""

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from pycocotools import mask as mask_utils

from mmfewshot_seg.classes.folds import COCO_20I, COCO_CLASSES
from mmfewshot_seg.datasets.sources.base import EpisodeSource
from mmfewshot_seg.datasets.sources.coco_table import read_coco_table
from mmfewshot_seg.datasets.sources.coordinates import check_pixels
from mmfewshot_seg.registry import DATASETS, register


@register(DATASETS, host='mmseg')
class Coco20iSource(EpisodeSource):
    """Images with the instances of a json in COCO's format.

    If the categories are among COCO's 80, the classes come in COCO's order and the folds are
    those of COCO-20i (less the classes that the json leaves out). Otherwise the classes are the
    categories in the order of their ids, and there is no fold table.

    The mask of a class is the union of its instances, crowds included. Where ways of an episode
    overlap, the one with the smaller union is on top. There is no void.

    Args:
        ann_file: The json. ``segmentation`` may be polygons or a run-length code.
        img_dir: Folder of the images.
        index_dir: See :class:`EpisodeSource`.
        skip_unreadable: See :class:`EpisodeSource`.

    Raises:
        FileNotFoundError: If the json or the folder is missing.
        ValueError: If the json is not of COCO's instance format, names no image, or has boxes
            alone.
    """

    def __init__(
        self,
        ann_file: str,
        img_dir: str,
        index_dir: str | None = 'work_dirs/index',
        skip_unreadable: bool = False,
    ) -> None:
        super().__init__(index_dir, skip_unreadable)
        if not os.path.isdir(img_dir):
            raise FileNotFoundError(f'img_dir {img_dir!r} is no folder')
        self.ann_file, self.img_dir = ann_file, img_dir
        self._table = read_coco_table(ann_file)
        class_of = self._set_classes(self._table.categories)
        self._classes = [class_of[category] for category in self._table.category_ids]
        self._check_pixels()

    def _set_classes(self, categories: Sequence[Mapping]) -> dict[int, int]:
        """Sets names and folds; returns class ids by category id."""
        names = {category['id']: category['name'] for category in categories}
        if not names:
            raise ValueError(f'{self.ann_file} has no categories')
        if set(names.values()) <= set(COCO_CLASSES):
            present = set(names.values())
            self.class_names = tuple(name for name in COCO_CLASSES if name in present)
            self.folds = {
                style: tuple(tuple(name for name in fold if name in present) for fold in table)
                for style, table in COCO_20I.items()
            }
            self.benchmark = 'coco'
        else:
            self.class_names = tuple(names[category_id] for category_id in sorted(names))
        return {key: self.class_names.index(name) for key, name in names.items()}

    def _check_pixels(self) -> None:
        """Refuse polygons in shares of the image; the first ones tell."""
        first = map(self._table.segmentation, range(min(20, len(self._table.kinds))))
        polygons = [
            np.array(polygon)
            for segmentation in first
            if isinstance(segmentation, list)
            for polygon in segmentation
            if polygon
        ]
        check_pixels(f'{self.ann_file}: polygons', polygons, tuple(self._table.shapes[0].tolist()))

    def __len__(self) -> int:
        return len(self._table.file_names)

    def image_path(self, j: int) -> str:
        """File of image ``j``."""
        return os.path.join(self.img_dir, self._table.file_names[j])

    def _segmentations(self, j: int) -> dict[int, list]:
        """Segmentations of the instances of image ``j``, by class id."""
        segmentations = defaultdict(list)
        for kind, segmentation in self._table.of_image(j):
            segmentations[self._classes[kind]].append(segmentation)
        return segmentations

    def _unions(self, j: int) -> dict[int, dict]:
        """Run-length code of all instances of each class that image ``j`` shows."""
        shape = self._table.shapes[j].tolist()
        unions = {}
        for class_id, segmentations in self._segmentations(j).items():
            polygons = [p for s in segmentations if isinstance(s, list) for p in s]
            others = [s for s in segmentations if not isinstance(s, list)]
            codes = [_run_lengths(s, *shape) for s in (polygons, *others)]
            if codes := [code for code in codes if code]:
                unions[class_id] = mask_utils.merge(codes) if len(codes) > 1 else codes[0]
        return unions

    def label_map(self, j: int, class_ids: Sequence[int]) -> np.ndarray:
        """(H, W) uint8: n where image ``j`` shows ``class_ids[n - 1]``, else 0."""
        unions = self._unions(j)
        shown = [(way, unions[c]) for way, c in enumerate(class_ids, start=1) if c in unions]
        labels = np.zeros(self._table.shapes[j], dtype=np.uint8)
        for way, union in sorted(shown, key=lambda item: -int(mask_utils.area(item[1]))):
            labels[mask_utils.decode(union) == 1] = way
        return labels

    def instance_map(self, j: int, class_id: int) -> np.ndarray:
        """(H, W) int32: 1.. for the instances of a class in image ``j``, else 0.

        Numbered from the largest; where instances overlap, the smaller is on top.
        """
        shape = self._table.shapes[j].tolist()
        segmentations = self._segmentations(j).get(class_id, [])
        codes = [code for s in segmentations if (code := _run_lengths(s, *shape))]
        codes.sort(key=lambda code: -int(mask_utils.area(code)))
        numbers = np.zeros(shape, dtype=np.int32)
        for number, code in enumerate(codes, start=1):
            numbers[mask_utils.decode(code) == 1] = number
        return numbers

    def class_areas(self, j: int) -> tuple[tuple[int, int], dict[int, int]]:
        """Size (H, W) that the json states for image ``j``, and pixels by class id."""
        height, width = self._table.shapes[j].tolist()
        areas = {class_id: int(mask_utils.area(code)) for class_id, code in self._unions(j).items()}
        return (height, width), areas

    def files(self) -> Iterable[str]:
        """The json and the images."""
        yield self.ann_file
        for j in range(len(self)):
            yield self.image_path(j)


def _run_lengths(segmentation: list | dict, height: int, width: int) -> dict | None:
    """Compressed run-length code; None if no polygon has three points."""
    if isinstance(segmentation, list):
        polygons = [polygon for polygon in segmentation if len(polygon) >= 6]
        codes = mask_utils.frPyObjects(polygons, height, width) if polygons else []
        return mask_utils.merge(codes) if len(codes) > 1 else next(iter(codes), None)
    if isinstance(segmentation['counts'], list):
        return mask_utils.frPyObjects(segmentation, height, width)
    return segmentation
