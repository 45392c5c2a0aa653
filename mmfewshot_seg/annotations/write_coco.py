"""Annotations as a json in COCO's instance format, and a folder of images."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pycocotools import mask as coco_mask

from mmfewshot_seg.annotations.annotated_image import AnnotatedImage, MarkedObject
from mmfewshot_seg.annotations.image_copies import ImageCopies


class CocoFolder:
    """``annotations/instances_<split>.json``, and the images in ``<split>``.

    Objects are polygons where these say the same, else compressed run-length codes, so that they
    are read pixel by pixel as they were.

    Args:
        folder: Folder to write into.
        split: ``'train'`` or ``'val'``.
        class_names: Names of categories 1, 2, ...
        link: Whether images are symbolic links.
    """

    def __init__(self, folder: Path, split: str, class_names: Sequence[str], link: bool) -> None:
        self._copies = ImageCopies(folder / split, link)
        self._path = folder / 'annotations' / f'instances_{split}.json'
        self._categories = {name: number for number, name in enumerate(class_names, start=1)}
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []

    def add(self, image: AnnotatedImage, size: tuple[int, int]) -> dict[str, int]:
        """Write an image and its objects; returns the number of each class, without crowds."""
        things = [thing for thing in image.objects(size) if thing.class_name in self._categories]
        copy = self._copies.add(image.path)
        number = len(self._images) + 1
        self._images.append(
            dict(id=number, file_name=copy.name, height=int(size[0]), width=int(size[1]))
        )
        for thing in things:
            self._annotations.append(
                dict(
                    id=len(self._annotations) + 1,
                    image_id=number,
                    category_id=self._categories[thing.class_name],
                    segmentation=_segmentation(thing),
                    area=thing.area,
                    bbox=coco_mask.toBbox(thing.code).tolist(),
                    iscrowd=int(thing.is_crowd),
                )
            )
        return Counter(thing.class_name for thing in things if not thing.is_crowd)

    def close(self) -> None:
        """Write the json."""
        content = dict(
            images=self._images,
            annotations=self._annotations,
            categories=[dict(id=n, name=name) for name, n in self._categories.items()],
        )
        self._path.parent.mkdir(exist_ok=True)
        self._path.write_text(json.dumps(content, ensure_ascii=False), encoding='utf-8')


def _segmentation(thing: MarkedObject) -> list | dict:
    if thing.polygons is not None and not thing.is_crowd:  # crowds are run-length codes
        return thing.polygons
    return dict(thing.code, counts=thing.code['counts'].decode())
