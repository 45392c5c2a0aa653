"""Boundary F1: how much of the outlines of found objects is right to within some pixels."""

from functools import partial
from math import ceil, floor

import cv2
import numpy as np
from pycocotools import mask as mask_api
from pycocotools.cocoeval import COCOeval

from mmfewshot_seg.evaluation.boundary_ap import mask_boundary
from mmfewshot_seg.evaluation.image_pairs import ClassPairs, map_images, pairs_of_images

LOWEST_IOU = 0.5


def disk(radius: int) -> np.ndarray:
    """Pixels at most ``radius`` from the centre, (2 * radius + 1, 2 * radius + 1) uint8."""
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return (x**2 + y**2 <= radius**2).astype(np.uint8)


def boundary_f1(prediction: np.ndarray, target: np.ndarray, radius: int) -> float:
    """Harmonic mean of the shares of either boundary that lie near the other one.

    Args:
        prediction: (H, W) bool boundary.
        target: (H, W) bool boundary.
        radius: Pixels at most this far apart are near.

    Returns:
        In [0, 1]; 0 if either is empty.
    """
    near_target, near_prediction = (
        cv2.dilate(boundary.astype(np.uint8), disk(radius)) > 0 for boundary in (target, prediction)
    )
    precision = (prediction & near_target).sum() / max(prediction.sum(), 1)
    recall = (target & near_prediction).sum() / max(target.sum(), 1)
    return float(2 * precision * recall / max(precision + recall, np.finfo(float).tiny))


def boundaries_near(prediction: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Boundaries, 1 pixel wide, in the target's box grown by half its size on each side.

    They are those of the whole masks: where the box cuts a mask is no boundary.

    Args:
        prediction: (H, W) uint8 mask.
        target: (H, W) uint8 mask, not empty.

    Returns:
        Boundaries of prediction and target, (h, w) bool.
    """
    windows, margins = [], []
    for axis, size in enumerate(target.shape):
        inside = np.flatnonzero(target.any(axis=1 - axis))
        first, last = inside[0], inside[-1] + 1
        half = (last - first) / 2
        low, high = max(floor(first - half), 0), min(ceil(last + half), size)
        outer_low, outer_high = max(low - 1, 0), min(high + 1, size)
        windows.append(slice(outer_low, outer_high))
        margins.append(slice(low - outer_low, high - outer_low))
    window, margin = tuple(windows), tuple(margins)
    crops = (np.ascontiguousarray(mask[window]) for mask in (prediction, target))
    prediction, target = (mask_boundary(crop, width=1)[margin] for crop in crops)
    return prediction, target


def f1_of_pairs(pairs: ClassPairs, radii: tuple[int, ...]) -> list[list[float]]:
    """F1 of each object with the detection of highest IoU, if that is at least one half.

    Crowds are left out.

    Returns:
        One row per pair, one column per radius.
    """
    ious = mask_api.iou(pairs.detections, pairs.objects, pairs.crowd)
    rows = []
    for j in np.flatnonzero(np.array(pairs.crowd) == 0):
        best = int(ious[:, j].argmax())
        if ious[best, j] < LOWEST_IOU:
            continue
        masks = (mask_api.decode(rle) for rle in (pairs.detections[best], pairs.objects[j]))
        boundaries = boundaries_near(*masks)
        rows.append([boundary_f1(*boundaries, radius) for radius in radii])
    return rows


def _image_f1(image: list[ClassPairs], radii: tuple[int, ...]) -> list[list[float]]:
    return [row for pairs in image for row in f1_of_pairs(pairs, radii)]


def mean_boundary_f1(
    coco_eval: COCOeval, radii: tuple[int, ...] = (1, 3, 5), num_processes: int = 1
) -> tuple[list[float], int]:
    """Mean F1 over all pairs of an evaluation.

    Args:
        coco_eval: With masks and parameters set.
        radii: Tolerances in pixels.
        num_processes: Processes to compare masks in; the figures do not depend on it.

    Returns:
        One mean per radius, NaN if there is no pair; the number of pairs.
    """
    coco_eval._prepare()
    compare = partial(_image_f1, radii=radii)
    images = map_images(compare, pairs_of_images(coco_eval), num_processes)
    rows = [row for image in images for row in image]
    means = np.mean(rows, axis=0).tolist() if rows else [float('nan')] * len(radii)
    return means, len(rows)
