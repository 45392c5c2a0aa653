"""Precision over recall of a score by which one tells positives from negatives.

Shape letters: ``M`` scored cases, ``T`` distinct scores.
"""

import numpy as np
from numpy.typing import ArrayLike


def precision_recall(
    scores: ArrayLike, positive: ArrayLike
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision and recall where a case counts as found from a threshold on.

    Args:
        scores: (M,) finite numbers, higher for what is more likely positive.
        positive: (M,) booleans, the truth.

    Returns:
        Thresholds, precision and recall, each (T,): the thresholds are the distinct scores, highest
        first, so that the recall rises to 1.

    Raises:
        ValueError: If the shapes differ, a score is not finite, or no case is positive.

    Examples:
        >>> precision_recall([0.9, 0.8, 0.8], [True, False, True])
        (array([0.9, 0.8]), array([1.        , 0.66666667]), array([0.5, 1. ]))
    """
    scores, positive = np.asarray(scores, np.float64), np.asarray(positive, bool)
    if scores.shape != positive.shape or scores.ndim != 1:
        raise ValueError(f'scores {scores.shape} and truth {positive.shape} must have one shape, M')
    if not np.isfinite(scores).all():
        raise ValueError(f'a score is {scores[~np.isfinite(scores)][0]}, expected finite numbers')
    if not positive.any():
        raise ValueError('no case is positive, and so there is no recall')
    order = np.argsort(-scores, kind='stable')
    last = np.append(np.diff(scores[order]) != 0, True)  # equal scores are found together
    right, found = np.cumsum(positive[order])[last], (1 + np.arange(len(order)))[last]
    return scores[order][last], right / found, right / positive.sum()


def average_precision(precision: np.ndarray, recall: np.ndarray) -> float:
    """Area under the steps of a curve of :func:`precision_recall`.

    The mean over the positives of the precision at which each is found, without interpolation. By
    chance it is about the share of positives.

    Args:
        precision: (T,).
        recall: (T,), ascending.

    Examples:
        >>> average_precision(np.array([1.0, 0.75]), np.array([0.5, 1.0]))
        0.875
    """
    return float((np.diff(recall, prepend=0.0) * precision).sum())


def best_f1(
    thresholds: np.ndarray, precision: np.ndarray, recall: np.ndarray
) -> tuple[float, float]:
    """The highest harmonic mean of precision and recall, and the threshold that gives it.

    Args:
        thresholds: (T,); of those that are equally good, the first counts.
        precision: (T,).
        recall: (T,).
    """
    f1 = 2 * precision * recall / np.maximum(precision + recall, np.finfo(float).tiny)
    best = int(f1.argmax())
    return float(f1[best]), float(thresholds[best])
