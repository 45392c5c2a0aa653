"""Boundary F-score of semantic segmentation: how much of the classes' outlines is right.

Shape letters: ``K`` classes, ``T`` radii, ``H W`` size, ``M`` boundary pixels.
"""

from collections.abc import Sequence
from math import ceil, hypot

import cv2
import numpy as np
from scipy.spatial import cKDTree

NO_CLASS = -1
# Time of a dilation, per pixel of the map and of the disc, in that of a boundary pixel's search for
# its neighbour; measured at 1024 x 1024.
DILATION_COST = 5.6e-5


def class_boundaries(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Boundary of the mask of every class: pixels unlike their right, lower or lower right one.

    Pixels of the last row and column have one neighbour, that in the corner has none.

    Args:
        labels: (H, W) class indices, signed; negative is no class.
        num_classes: K.

    Returns:
        (K, H, W) bool.

    Examples:
        >>> class_boundaries(np.array([[1, 1, 0, 0]]), 2)[:, 0].astype(int)
        array([[0, 1, 0, 0],
               [0, 1, 0, 0]])
    """
    boundaries = np.zeros((num_classes, labels.size), bool)
    padded = np.pad(labels, ((0, 1), (0, 1)), mode='edge')
    for neighbours in (padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]):
        differ = labels != neighbours
        pixels = np.flatnonzero(differ)
        for classes in (labels[differ], neighbours[differ]):  # both masks change there
            inside = classes >= 0
            boundaries[classes[inside], pixels[inside]] = True
    return boundaries.reshape(num_classes, *labels.shape)


def boundary_f_scores(
    pred: np.ndarray,
    target: np.ndarray,
    num_classes: int,
    radii: Sequence[float],
    ignore_index: int = 255,
) -> np.ndarray:
    """Harmonic mean of the shares of either boundary that lie near the other, of each class.

    The boundary of an ignored region is one of the classes beside it, in both maps.

    Args:
        pred: (H, W) class indices.
        target: (H, W) class indices.
        num_classes: K.
        radii: Pixels at most this far apart are near.
        ignore_index: Label of ignored pixels.

    Returns:
        (T, K) in [0, 1]; 0 if only one map has a boundary of the class, NaN if neither has.

    Raises:
        ValueError: If the sizes differ, or a label is greater than the classes.
    """
    if pred.shape != target.shape:
        raise ValueError(f'prediction of {pred.shape} pixels, labels of {target.shape}')
    ignored = target == ignore_index
    boundaries = []
    for name, labels in (('predicted', pred), ('true', target)):
        labels = np.where(ignored, NO_CLASS, labels.astype(np.int32))
        if labels.max() >= num_classes:
            raise ValueError(f'{name} label {labels.max()} is outside the {num_classes} classes')
        boundaries.append(class_boundaries(labels, num_classes))
    predicted, true = boundaries
    return _scores(predicted, true, np.asarray(radii))


def pixel_radius(threshold: float, shape: tuple[int, int]) -> float:
    """Pixels that a threshold means: itself, or below 1 that share of the diagonal, rounded up."""
    return threshold if threshold >= 1 else ceil(threshold * hypot(*shape))


def _scores(pred: np.ndarray, target: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """(T, K) scores of boundaries (K, H, W)."""
    precision, recall = np.zeros((2, len(radii), len(pred)))
    dense = _are_dense(pred, target, radii)
    for chosen, shares in ((dense, _shares_by_dilation), (~dense, _shares_by_search)):
        if chosen.any():
            maps = pred[chosen], target[chosen]
            precision[:, chosen], recall[:, chosen] = shares(*maps, radii)
    scores = 2 * precision * recall / np.maximum(precision + recall, np.finfo(float).tiny)
    scores[:, ~(pred.any((1, 2)) | target.any((1, 2)))] = np.nan
    return scores


def _are_dense(pred: np.ndarray, target: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """(K,) whether a class has so many boundary pixels that dilating its maps takes less time."""
    work = pred[0].size * sum(_disc(radius).sum() for radius in radii)
    return pred.sum((1, 2)) + target.sum((1, 2)) > DILATION_COST * work


def _disc(radius: float) -> np.ndarray:
    """(2n + 1, 2n + 1) uint8: 1 at pixels at most ``radius`` from the middle."""
    y, x = np.ogrid[-int(radius) : int(radius) + 1, -int(radius) : int(radius) + 1]
    return (x**2 + y**2 <= radius**2).astype(np.uint8)


def _shares_by_dilation(
    pred: np.ndarray, target: np.ndarray, radii: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(T, K) shares of the predicted boundary near the true one, and of the true one."""
    shares = np.zeros((2, len(radii), len(pred)))
    for t, k in np.ndindex(shares.shape[1:]):
        disc = _disc(radii[t])
        for share, ours, theirs in zip(shares, (pred, target), (target, pred), strict=True):
            near = cv2.dilate(theirs[k].view(np.uint8), disc).view(bool)
            share[t, k] = (ours[k] & near).sum() / max(ours[k].sum(), 1)
    return shares[0], shares[1]


def _shares_by_search(
    pred: np.ndarray, target: np.ndarray, radii: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The same; each boundary pixel looks for the nearest one of the other boundary."""
    reach = radii.max() + 0.5
    pred_points, target_points = (_points(boundaries, reach) for boundaries in (pred, target))
    precision = _shares_near(pred, target, pred_points, target_points, radii)
    return precision, _shares_near(target, pred, target_points, pred_points, radii)


def _points(boundaries: np.ndarray, reach: float) -> np.ndarray:
    """(M, 3) row, column and class, classes so far apart that none is within reach of another."""
    classes, pixels = np.divmod(np.flatnonzero(boundaries), boundaries[0].size)
    rows, columns = np.divmod(pixels, boundaries.shape[2])
    return np.stack([rows, columns, classes * 2 * reach], axis=1)


def _shares_near(
    boundaries: np.ndarray,
    others: np.ndarray,
    points: np.ndarray,
    other_points: np.ndarray,
    radii: np.ndarray,
) -> np.ndarray:
    """(T, K) share of the boundary of each class that is near the other boundary of that class."""
    tree = cKDTree(other_points, balanced_tree=False, compact_nodes=False)
    apart = ~others[boundaries]
    distances = np.zeros(len(points))
    distances[apart] = tree.query(points[apart], distance_upper_bound=radii.max() + 0.5)[0]
    sizes = boundaries.sum((1, 2))
    classes = np.repeat(np.arange(len(boundaries)), sizes)
    near = [np.bincount(classes[distances <= r], minlength=len(sizes)) for r in radii]
    return np.stack(near) / np.maximum(sizes, 1)
