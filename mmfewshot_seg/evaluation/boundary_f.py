"""Boundary F-score of semantic segmentation: how much of the classes' outlines is right.

The boundaries of 32 classes are bits of one map, so that they are dilated together.

Shape letters: ``K`` classes, ``T`` radii, ``H W`` size.
"""

from collections.abc import Sequence
from math import ceil, hypot, isqrt

import numpy as np

NO_CLASS = -1
BITS = 32


def boundary_bits(labels: np.ndarray, first: int = 0) -> np.ndarray:
    """Boundaries of 32 classes: pixels where a mask is unlike its right, lower or lower right one.

    Pixels of the last row and column have one neighbour, that in the corner has none.

    Args:
        labels: (H, W) class indices, signed; negative is no class.
        first: The class of the lowest bit.

    Returns:
        (H, W) uint32; bit n is set at the boundary of class ``first + n``.

    Examples:
        >>> boundary_bits(np.array([[1, 1, 0, 0]]))
        array([[0, 3, 0, 0]], dtype=uint32)
    """
    numbers = labels - first
    known = (labels >= 0) & (numbers >= 0) & (numbers < BITS)
    masks = np.where(known, 1 << np.where(known, numbers, 0).astype(np.int64), 0)
    padded = np.pad(masks.astype(np.uint32), ((0, 1), (0, 1)), mode='edge')
    bits = np.zeros(labels.shape, np.uint32)
    for neighbours in (padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]):
        bits |= padded[:-1, :-1] ^ neighbours  # the masks of both classes change there
    return bits


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
    maps = []
    for name, labels in (('predicted', pred), ('true', target)):
        labels = np.where(ignored, NO_CLASS, labels.astype(np.int32))
        if labels.max() >= num_classes:
            raise ValueError(f'{name} label {labels.max()} is outside the {num_classes} classes')
        maps.append(labels)
    predicted, true = maps
    parts = [
        _scores(boundary_bits(predicted, first), boundary_bits(true, first), radii)
        for first in range(0, num_classes, BITS)
    ]
    return np.concatenate(parts, axis=1)[:, :num_classes]


def pixel_radius(threshold: float, shape: tuple[int, int]) -> float:
    """Pixels that a threshold means: itself, or below 1 that share of the diagonal, rounded up."""
    return threshold if threshold >= 1 else ceil(threshold * hypot(*shape))


def _scores(pred: np.ndarray, target: np.ndarray, radii: Sequence[float]) -> np.ndarray:
    """(T, 32) scores of the boundaries that two (H, W) maps of bits are."""
    sizes = _counts(pred), _counts(target)
    near = [
        np.stack([_counts(ours & around) for around in _dilated(theirs, radii)])
        for ours, theirs in ((pred, target), (target, pred))
    ]
    precision, recall = (n / np.maximum(size, 1) for n, size in zip(near, sizes, strict=True))
    scores = 2 * precision * recall / np.maximum(precision + recall, np.finfo(float).tiny)
    scores[:, (sizes[0] == 0) & (sizes[1] == 0)] = np.nan
    return scores


def _counts(bits: np.ndarray) -> np.ndarray:
    """(32,) pixels at which each bit is set."""
    octets = bits.astype('<u4').view(np.uint8).reshape(-1, 4).T
    frequencies = np.stack([np.bincount(octet, minlength=256) for octet in octets])
    return (frequencies @ (np.arange(256)[:, None] >> np.arange(8) & 1)).ravel()


def _dilated(bits: np.ndarray, radii: Sequence[float]) -> list[np.ndarray]:
    """(H, W) bits that are set within each radius.

    A disc is a line in each of its rows; lines of one width are computed once for all discs.
    """
    height, width = bits.shape
    found = [np.zeros_like(bits) for _ in radii]
    lines = bits.copy()
    for half in range(int(max(radii)) + 1):
        if 0 < half < width:
            lines[:, half:] |= bits[:, :-half]
            lines[:, :-half] |= bits[:, half:]
        for disc, radius in zip(found, radii, strict=True):
            for y in range(min(int(radius) + 1, height)):
                if isqrt(int(radius**2 - y**2)) == half:
                    disc[y:] |= lines[: height - y]
                    disc[: height - y] |= lines[y:]
    return found
