"""Intersection over union of few-shot segmentation, from integer counts.

Shape letters: ``N`` ways, ``Q`` queries, ``C`` distinct classes met in all episodes.

An episode is reduced to a small table of pixel counts, one row per label (background first), with
the columns true positive, false positive, false negative. Tables are integers and add up, so the
figures do not depend on the number of processes, nor on the order in which they finish.

A label's row is recorded only for images whose truth contains that label (the rule of PANet): in
N-way episodes, false positives of a way that the query does not show are not counted. With one
way and a query that shows it, as all protocols draw them, this changes nothing.
"""

import warnings
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from mmfewshot_seg.structures.labels import IGNORED

EpisodeCounts = tuple[int, int, tuple[int, ...], np.ndarray]
"""(run, index, class ids of the N ways, (1+N, 3) counts): what a process keeps of an episode."""


def episode_counts(
    pred: np.ndarray, target: np.ndarray, num_ways: int, ignore_index: int = IGNORED
) -> np.ndarray:
    """Pixel counts of one episode.

    Args:
        pred: (Q, H, W) or (H, W) integers in 0..N.
        target: Truth of the same shape, 0..N or ``ignore_index``. Ignored pixels count nowhere.
        num_ways: N.
        ignore_index: Label of the pixels to leave out.

    Returns:
        (1+N, 3) int64: true positive, false positive, false negative pixels of background and
        ways, summed over the queries.

    Raises:
        ValueError: If the shapes differ, or a label is outside 0..N.

    Examples:
        >>> episode_counts(np.array([[0, 1, 1]]), np.array([[0, 0, 1]]), num_ways=1)
        array([[1, 0, 1],
               [1, 1, 0]])
    """
    pred, target = np.asarray(pred), np.asarray(target)
    if pred.shape != target.shape or pred.ndim not in (2, 3):
        raise ValueError(
            f'prediction {pred.shape} and truth {target.shape} must have one shape, (Q, H, W)'
        )
    if pred.ndim == 2:
        pred, target = pred[None], target[None]
    counts = np.zeros((num_ways + 1, 3), np.int64)
    for p, t in zip(pred, target, strict=True):
        counts += _image_counts(p, t, num_ways + 1, ignore_index)
    return counts


def _image_counts(pred: np.ndarray, target: np.ndarray, num_labels: int, ignore: int) -> np.ndarray:
    keep = target != ignore
    pred, target = pred[keep].astype(np.int64), target[keep].astype(np.int64)
    for what, labels in (('prediction', pred), ('truth', target)):
        outside = labels[(labels < 0) | (labels >= num_labels)]
        if outside.size:
            raise ValueError(
                f'the {what} contains label {outside[0]}; labels of a {num_labels - 1}-way episode '
                f'are 0 to {num_labels - 1}, and {ignore} for ignored pixels of the truth'
            )
    confusion = np.bincount(target * num_labels + pred, minlength=num_labels**2)
    confusion = confusion.reshape(num_labels, num_labels)  # rows: truth
    hits, truth = confusion.diagonal(), confusion.sum(1)
    counts = np.stack([hits, confusion.sum(0) - hits, truth - hits], axis=1)
    return counts * (truth > 0)[:, None]


def iou(counts: np.ndarray) -> np.ndarray:
    """Intersection over union of (..., 3) counts; NaN where nothing was recorded."""
    counts = np.asarray(counts)
    union = counts.sum(-1)
    return np.where(union > 0, counts[..., 0] / np.maximum(union, 1), np.nan)


def summarize(episodes: Iterable[EpisodeCounts]) -> dict[str, float | np.ndarray]:
    """Figures of an evaluation, per run and over the runs.

    * mIoU: counts summed per class over all episodes of a run, IoU per class, mean over classes.
    * Binary IoU (FB-IoU): counts of all classes pooled, background pooled; mean of the two IoUs.
    * Episode mIoU: mean over episodes of the mean IoU of the episode's classes.

    Args:
        episodes: Counts of each episode, in any order. One that comes twice (samplers fill up the
            last batch of several processes) is counted once.

    Returns:
        ``class_ids`` (C,) in ascending order and, over the runs, ``class_iou`` (C,), ``miou``,
        ``binary_class_iou`` (2,) (background, foreground), ``binary_iou``, ``episode_miou``, with
        ``_std`` appended the population standard deviation over the runs, ``num_episodes``,
        ``num_runs``; per run ``run<r>/`` and the name of the figure. A class whose label appears
        in no query of a run has class IoU NaN there and does not take part in the mean.

    Raises:
        ValueError: If there is no episode.
    """
    unique = {(run, index): (class_ids, counts) for run, index, class_ids, counts in episodes}
    if not unique:
        raise ValueError('there is no episode to evaluate: the data loader was empty')
    class_ids = sorted({c for classes, _ in unique.values() for c in classes})
    runs: dict[int, list] = {}
    for run, index in sorted(unique):  # fixed order: the same rounding for any number of processes
        runs.setdefault(run, []).append(unique[run, index])
    figures = [_run_figures(members, class_ids) for members in runs.values()]

    summary: dict[str, float | np.ndarray] = dict(
        class_ids=np.array(class_ids), num_episodes=len(unique), num_runs=len(runs)
    )
    for run, values in zip(runs, figures, strict=True):
        summary.update({f'run{run}/{key}': value for key, value in values.items()})
    for key in figures[0]:
        stacked = np.stack([run_values[key] for run_values in figures])
        summary[key] = _recorded(np.nanmean, stacked, axis=0)
        summary[f'{key}_std'] = _recorded(np.nanstd, stacked, axis=0)
    return summary


def _run_figures(members: Sequence[tuple], class_ids: Sequence[int]) -> dict:
    """Figures of one run; ``members``: (class ids, counts) of its episodes."""
    row = {class_id: 1 + i for i, class_id in enumerate(class_ids)}
    total = np.zeros((1 + len(class_ids), 3), np.int64)
    for classes, counts in members:
        np.add.at(total, [0, *(row[c] for c in classes)], counts)
    class_iou = iou(total[1:])
    binary = iou(np.stack([total[0], total[1:].sum(0)]))
    episodes = np.array([_recorded(np.nanmean, iou(counts[1:])) for _, counts in members])
    return {
        'class_iou': class_iou,
        'miou': _recorded(np.nanmean, class_iou),
        'binary_class_iou': binary,
        'binary_iou': _recorded(np.nanmean, binary),
        'episode_miou': _recorded(np.nanmean, episodes),
    }


def _recorded(function: Callable, values: np.ndarray, **kwargs) -> float | np.ndarray:
    """``np.nanmean`` or ``np.nanstd``, without their warning where nothing was recorded."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', RuntimeWarning)
        return function(values, **kwargs)
