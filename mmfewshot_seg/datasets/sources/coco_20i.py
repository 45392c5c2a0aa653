"""Source: COCO-20i, or other images, from a COCO instances json; masks are drawn when needed."""

import os
import pickle
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from pycocotools import mask as mask_utils

from mmfewshot_seg.classes.folds import COCO_20I, COCO_CLASSES
from mmfewshot_seg.datasets.sources.base import EpisodeSource
from mmfewshot_seg.datasets.sources.coco_json import read_coco_json
from mmfewshot_seg.datasets.sources.coco_segmentation import check_segmentation
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
        content = read_coco_json(ann_file)
        class_of = self._set_classes(content['categories'])
        images = sorted(content['images'], key=lambda image: image['file_name'])
        self._file_names = [image['file_name'] for image in images]
        self._shapes = np.array([(image['height'], image['width']) for image in images])
        self._set_annotations(content['annotations'], images, class_of)

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

    def _set_annotations(
        self, annotations: Sequence[Mapping], images: Sequence[Mapping], class_of: Mapping[int, int]
    ) -> None:
        """Keeps (class id, segmentation) of each image, pickled into one array.

        One array is shared with the worker processes of a data loader; millions of small objects
        would be copied into each of them.
        """
        places = {image['id']: j for j, image in enumerate(images)}
        by_image = defaultdict(list)
        if annotations and all(annotation.get('segmentation') == [] for annotation in annotations):
            raise ValueError(
                f'{self.ann_file} has boxes only: the segmentation of all {len(annotations)} '
                'annotations is empty, as in exports for detection. Export polygons or run-length '
                'codes, or draw masks from the boxes with an annotation tool'
            )
        for annotation in annotations:
            j, segmentation = places[annotation['image_id']], annotation.get('segmentation')
            what = f'{self.ann_file}: annotation {annotation.get("id")}'
            check_segmentation(what, segmentation, images[j])
            by_image[j].append((class_of[annotation['category_id']], segmentation))
        self._check_pixels(annotations, images[0])
        chunks = [pickle.dumps(by_image[j], protocol=5) for j in range(len(images))]
        self._ends = np.cumsum([0, *map(len, chunks)])
        self._buffer = np.frombuffer(b''.join(chunks), dtype=np.uint8)

    def _check_pixels(self, annotations: Sequence[Mapping], image: Mapping) -> None:
        """Refuse polygons in shares of the image; the first ones tell."""
        polygons = [
            np.array(polygon)
            for annotation in annotations[:20]
            if isinstance(annotation['segmentation'], list)
            for polygon in annotation['segmentation']
            if polygon
        ]
        check_pixels(f'{self.ann_file}: polygons', polygons, (image['height'], image['width']))

    def __len__(self) -> int:
        return len(self._file_names)

    def image_path(self, j: int) -> str:
        """File of image ``j``."""
        return os.path.join(self.img_dir, self._file_names[j])

    def _instances(self, j: int) -> dict[int, list[dict]]:
        """Run-length codes of the instances of image ``j``, by class id."""
        instances = defaultdict(list)
        content = self._buffer.data[self._ends[j] : self._ends[j + 1]]
        for class_id, segmentation in pickle.loads(content):
            if code := _run_lengths(segmentation, *self._shapes[j].tolist()):
                instances[class_id].append(code)
        return instances

    def label_map(self, j: int, class_ids: Sequence[int]) -> np.ndarray:
        """(H, W) uint8: n where image ``j`` shows ``class_ids[n - 1]``, else 0."""
        instances = self._instances(j)
        unions = [
            (way, mask_utils.merge(instances[class_id]))
            for way, class_id in enumerate(class_ids, start=1)
            if class_id in instances
        ]
        labels = np.zeros(self._shapes[j], dtype=np.uint8)
        for way, union in sorted(unions, key=lambda item: -int(mask_utils.area(item[1]))):
            labels[mask_utils.decode(union) == 1] = way
        return labels

    def instance_map(self, j: int, class_id: int) -> np.ndarray:
        """(H, W) int32: 1.. for the instances of a class in image ``j``, else 0.

        Numbered from the largest; where instances overlap, the smaller is on top.
        """
        codes = self._instances(j).get(class_id, [])
        codes.sort(key=lambda code: -int(mask_utils.area(code)))
        numbers = np.zeros(self._shapes[j], dtype=np.int32)
        for number, code in enumerate(codes, start=1):
            numbers[mask_utils.decode(code) == 1] = number
        return numbers

    def class_areas(self, j: int) -> tuple[tuple[int, int], dict[int, int]]:
        """Size (H, W) that the json states for image ``j``, and pixels by class id."""
        height, width = self._shapes[j].tolist()
        return (height, width), {
            class_id: int(mask_utils.area(mask_utils.merge(codes)))
            for class_id, codes in self._instances(j).items()
        }

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
        return mask_utils.merge(codes) if codes else None
    if isinstance(segmentation['counts'], list):
        return mask_utils.frPyObjects(segmentation, height, width)
    return segmentation
