"""Boundary AP: COCO's mask AP with an IoU that has to hold on the boundaries too.

H, W: image size; D, G: detections and objects of one class in one image.

Source: Cheng et al., Boundary IoU: Improving Object-Centric Image Segmentation Evaluation
(CVPR 2021).
"""

from functools import cache, partial
from typing import NamedTuple

import cv2
import numpy as np
from pycocotools import mask as mask_api
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mmfewshot_seg.evaluation.image_pairs import RLE, ClassPairs, map_images, pairs_of_images


def boundary_width(height: int, width: int, dilation_ratio: float) -> int:
    """Width of the boundary in pixels: a share of the image diagonal, at least one.

    Examples:
        >>> boundary_width(480, 640, dilation_ratio=0.02)
        16
    """
    return max(1, round(dilation_ratio * float(np.hypot(height, width))))


def mask_boundary(mask: np.ndarray, width: int) -> np.ndarray:
    """Pixels of a mask at most ``width`` pixels (chessboard distance) from its outside.

    Args:
        mask: (H, W) uint8, 0 or 1. What lies beyond the edge of the image is outside.
        width: At least 1.

    Returns:
        (H, W) bool.
    """
    kernel = np.ones((3, 3), np.uint8)
    inner = cv2.erode(mask, kernel, iterations=width, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return mask > inner


class CroppedBoundary(NamedTuple):
    """Boundary of a mask within the mask's box; (top, left) is the box's corner in the image."""

    top: int
    left: int
    pixels: np.ndarray
    area: int


def crop_boundary(rle: RLE, width: int) -> CroppedBoundary:
    """Boundary of an encoded mask, which must not be empty; see :func:`mask_boundary`."""
    left, top, box_width, box_height = (int(v) for v in mask_api.toBbox(rle))
    mask = mask_api.decode(rle)[top : top + box_height, left : left + box_width]
    pixels = mask_boundary(np.ascontiguousarray(mask), width)
    return CroppedBoundary(top, left, pixels, int(pixels.sum()))


def boundary_iou(one: CroppedBoundary, other: CroppedBoundary) -> float:
    """IoU of two boundaries."""
    top, left = max(one.top, other.top), max(one.left, other.left)
    bottom, right = (
        min(one[i] + one.pixels.shape[i], other[i] + other.pixels.shape[i]) for i in (0, 1)
    )
    if bottom <= top or right <= left:
        return 0.0
    shared = (
        b.pixels[top - b.top : bottom - b.top, left - b.left : right - b.left] for b in (one, other)
    )
    intersection = int(np.logical_and(*shared).sum())
    return intersection / (one.area + other.area - intersection)


def boundary_ious(pairs: ClassPairs, width: int, lowest_iou: float = 0.0) -> np.ndarray:
    """The smaller of mask IoU and boundary IoU; for crowds the mask IoU alone.

    Args:
        pairs: Masks to compare.
        width: Width of the boundaries in pixels.
        lowest_iou: Pairs with a smaller mask IoU keep that: they cannot match anyway.

    Returns:
        (D, G) float64.
    """
    ious = mask_api.iou(pairs.detections, pairs.objects, pairs.crowd)
    detection = cache(lambda i: crop_boundary(pairs.detections[i], width))
    truth = cache(lambda i: crop_boundary(pairs.objects[i], width))
    needed = (ious > 0) & (ious >= lowest_iou) & (np.array(pairs.crowd) == 0)
    for i, j in np.argwhere(needed):
        ious[i, j] = min(ious[i, j], boundary_iou(detection(i), truth(j)))
    return ious


def _image_ious(
    image: list[ClassPairs], dilation_ratio: float, lowest_iou: float
) -> list[np.ndarray]:
    rows, columns = image[0].objects[0]['size']
    width = boundary_width(rows, columns, dilation_ratio)
    return [boundary_ious(pairs, width, lowest_iou) for pairs in image]


class BoundaryCOCOeval(COCOeval):
    """COCOeval of masks whose IoU is that of :func:`boundary_ious`; all else is COCOeval's.

    Args:
        coco_gt: Annotations.
        coco_dt: Detections with masks and without boxes (else areas are those of the boxes).
        dilation_ratio: Width of the boundaries as a share of the image diagonal.
        num_processes: Processes to compare masks in; the figures do not depend on it.
    """

    def __init__(
        self, coco_gt: COCO, coco_dt: COCO, dilation_ratio: float = 0.02, num_processes: int = 1
    ) -> None:
        super().__init__(coco_gt, coco_dt, iouType='segm')
        self.dilation_ratio = dilation_ratio
        self.num_processes = num_processes

    def _prepare(self) -> None:
        super()._prepare()
        images = pairs_of_images(self)
        compare = partial(
            _image_ious,
            dilation_ratio=self.dilation_ratio,
            lowest_iou=float(np.min(self.params.iouThrs)),
        )
        results = map_images(compare, images, self.num_processes)
        self._boundary_ious = {
            (pairs.image_id, pairs.class_id): ious
            for image, ious_of_image in zip(images, results, strict=True)
            for pairs, ious in zip(image, ious_of_image, strict=True)
        }

    def computeIoU(self, imgId: int, catId: int) -> np.ndarray | list:  # noqa: N802,N803
        """(D, G) IoUs found by ``_prepare``, empty if there is nothing to compare."""
        return self._boundary_ious.get((imgId, catId), [])
