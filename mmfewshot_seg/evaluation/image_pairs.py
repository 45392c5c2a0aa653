"""Which masks of an image have to be compared, and a loop over images with a progress bar.

D, G: detections and objects of one class in one image.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from mmengine.utils import track_parallel_progress, track_progress
from pycocotools.cocoeval import COCOeval

RLE = dict[str, Any]


class ClassPairs(NamedTuple):
    """Detections and objects of one class in one image, neither of them empty.

    Attributes:
        image_id: Image of the annotation file.
        class_id: Category of the annotation file; -1 where classes are not told apart.
        detections: (D,) masks, best score first.
        objects: (G,) masks.
        crowd: (G,) 1 for crowds, else 0.
    """

    image_id: int
    class_id: int
    detections: list[RLE]
    objects: list[RLE]
    crowd: list[int]


def pairs_of_images(coco_eval: COCOeval) -> list[list[ClassPairs]]:
    """Group what ``coco_eval`` has prepared; one list for each image with anything to compare.

    Detections beyond the largest of ``maxDets`` are left out, as COCOeval does.
    """
    params = coco_eval.params
    class_ids = params.catIds if params.useCats else [-1]
    images = []
    for image_id in params.imgIds:
        classes = []
        for class_id in class_ids:
            keys = [(image_id, c) for c in ([class_id] if params.useCats else params.catIds)]
            detections = [d for key in keys for d in coco_eval._dts.get(key, ())]
            objects = [g for key in keys for g in coco_eval._gts.get(key, ())]
            if not detections or not objects:
                continue
            detections = sorted(detections, key=lambda d: -d['score'])[: params.maxDets[-1]]
            classes.append(
                ClassPairs(
                    image_id,
                    class_id,
                    [d['segmentation'] for d in detections],
                    [g['segmentation'] for g in objects],
                    [int(g['iscrowd']) for g in objects],
                )
            )
        if classes:
            images.append(classes)
    return images


def map_images(function: Callable, images: Sequence, num_processes: int) -> list:
    """``[function(image) for image in images]`` with a progress bar.

    Args:
        function: What is called; a function of a module or a ``partial`` of one, which other
            processes find.
        images: What it is called with.
        num_processes: 1 works in this process; the results do not depend on it.
    """
    if num_processes == 1 or len(images) < 2:
        return track_progress(function, images)
    return track_parallel_progress(function, images, min(num_processes, len(images)), chunksize=4)
