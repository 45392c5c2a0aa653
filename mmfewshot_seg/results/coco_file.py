"""Results as COCO writes them: detections with scores, and annotations to train on at once.

Source: https://cocodataset.org/#format-data and #format-results.
"""

import json
from typing import Any

import numpy as np

from mmfewshot_seg.results.image_result import ImageResult, file_names
from mmfewshot_seg.results.instances import Instance
from mmfewshot_seg.results.outlines import without_holes
from mmfewshot_seg.version import __version__

_ABOUT = 'predictions of mmfewshot_seg'


class CocoFile:
    """One file of all images of a run; ``annotations`` of it are what ``COCO.loadRes`` takes.

    Classes are numbered from 1 in the order in which they come, as in label maps.

    Args:
        tolerance: Pixels by which polygons may be off, see :meth:`Instance.rings`; holes are joined
            to the outline by cuts. None: run-length encodings, exact.
    """

    def __init__(self, tolerance: float | None = None) -> None:
        self.tolerance = tolerance
        self._images: list[tuple[str, str | None]] = []
        self._sizes: list[tuple[int, int]] = []
        self._annotations: list[dict[str, Any]] = []
        self._categories: dict[str, int] = {}

    HEAD = f'{{"info": {{"description": "{_ABOUT}'
    """How :meth:`text` begins."""

    def add(self, result: ImageResult) -> None:
        """Add an image."""
        self._images.append((result.name, result.path))
        self._sizes.append(result.size)
        for name in result.class_names:
            self._categories.setdefault(name, len(self._categories) + 1)
        for instance in result.instances:
            self._annotations.append(
                dict(
                    id=len(self._annotations) + 1,
                    image_id=len(self._images),
                    category_id=self._categories[instance.class_name],
                    segmentation=self._segmentation(instance),
                    area=instance.area,
                    bbox=list(instance.box),
                    iscrowd=0,
                    score=round(instance.score, 4),
                )
            )

    def text(self) -> str:
        """Content of the file."""
        names = file_names(self._images)
        images = [
            dict(id=number, file_name=name, height=height, width=width)
            for number, (name, (height, width)) in enumerate(
                zip(names, self._sizes, strict=True), start=1
            )
        ]
        return json.dumps(
            dict(
                info=dict(description=f'{_ABOUT} {__version__}'),
                licenses=[],
                images=images,
                annotations=self._annotations,
                categories=[dict(id=i, name=name) for name, i in self._categories.items()],
            ),
            ensure_ascii=False,
        )

    def _segmentation(self, instance: Instance) -> dict | list[list[int]]:
        if self.tolerance is None:
            rle = instance.rle
            return dict(rle, counts=rle['counts'].decode())
        ring = without_holes(*instance.rings(self.tolerance))
        return [np.ravel(ring).tolist()]
