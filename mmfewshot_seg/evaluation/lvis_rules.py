"""COCO's evaluation under the rules of LVIS, for data sets that say what was annotated where.

Source: Gupta et al., LVIS: A Dataset for Large Vocabulary Instance Segmentation (CVPR 2019).
"""

from collections import defaultdict

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

MAX_PER_IMAGE = 300
IMAGE_KEYS = ('neg_category_ids', 'not_exhaustive_category_ids')


def check_lvis_annotations(coco: COCO, name: str) -> None:
    """Refuse annotations that do not say what was annotated.

    Raises:
        ValueError: If an image lacks one of ``IMAGE_KEYS``.
    """
    for image in coco.dataset['images']:
        missing = [key for key in IMAGE_KEYS if key not in image]
        if missing:
            raise ValueError(
                f'{name} is no LVIS annotation file: image {image["id"]} lacks {missing[0]!r}. '
                'AP* needs one such as lvis_v0.5_val_cocofied.json'
            )


def best_per_image(detections: list[dict], limit: int = MAX_PER_IMAGE) -> list[dict]:
    """The ``limit`` detections of highest score in each image, of whatever class."""
    images = defaultdict(list)
    for detection in detections:
        images[detection['image_id']].append(detection)
    best = (sorted(found, key=lambda d: -d['score'])[:limit] for found in images.values())
    return [detection for found in best for detection in found]


class LVISRulesCOCOeval(COCOeval):
    """COCOeval that does not judge what nobody annotated.

    Detections of a class count only in images where the class was found or is known to be
    absent; unmatched ones are ignored where not all objects of the class were annotated. As in the
    package ``lvis``, what has no area does not count, neither an object nor a detection whose mask
    is empty; among the best of an image it is counted all the same.

    Args:
        coco_gt: Annotations whose images have ``IMAGE_KEYS``.
        coco_dt: Detections, at most ``MAX_PER_IMAGE`` in an image.
        iou_type: ``'segm'`` or ``'bbox'``.
    """

    def __init__(self, coco_gt: COCO, coco_dt: COCO, iou_type: str = 'segm') -> None:
        super().__init__(coco_gt, coco_dt, iou_type)
        self.params.maxDets = [MAX_PER_IMAGE]

    def _prepare(self) -> None:
        super()._prepare()
        for found in (self._gts, self._dts):
            for key in list(found):  # copies: LVIS has no crowds
                found[key] = [{'iscrowd': 0, **one} for one in found[key] if one['area'] > 0]
                if not found[key]:
                    del found[key]
        for image_id, class_id in list(self._dts):
            absent = self.cocoGt.imgs[image_id]['neg_category_ids']
            if (image_id, class_id) not in self._gts and class_id not in absent:
                del self._dts[image_id, class_id]

    def evaluateImg(self, imgId: int, catId: int, aRng: list, maxDet: int) -> dict | None:  # noqa: N802,N803
        """Matches of one class in one image; see COCOeval."""
        matches = super().evaluateImg(imgId, catId, aRng, maxDet)
        if matches and catId in self.cocoGt.imgs[imgId]['not_exhaustive_category_ids']:
            matches['dtIgnore'] |= matches['dtMatches'] == 0
        return matches
