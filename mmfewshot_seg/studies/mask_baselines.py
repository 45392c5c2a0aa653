"""Yardsticks that look at no query image: what a few-shot figure has to beat.

Shape letters: ``N`` ways, ``Q`` queries, ``H W`` size of the query labels.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import cv2
import numpy as np

from mmfewshot_seg.evaluation.fewshot_iou import episode_counts, summarize
from mmfewshot_seg.structures.labels import IGNORED

RADII = tuple(np.arange(1, 21) / 20)
"""Radii of the discs that are tried, as shares of half the diagonal."""


def centred_disc(shape: tuple[int, int], radius: float) -> np.ndarray:
    """(H, W) labels: 1 in a disc around the centre.

    Args:
        shape: (H, W).
        radius: Radius as a share of half the diagonal.
    """
    height, width = shape
    rows = np.arange(height)[:, None] - (height - 1) / 2
    columns = np.arange(width) - (width - 1) / 2
    return (np.hypot(rows, columns) <= radius * np.hypot(height, width) / 2).astype(np.int64)


def mask_baselines(items: Iterable[dict]) -> dict[str, float]:
    """mIoU of everything foreground, the first support's mask copied, and the best centred disc.

    The radius of the disc is the one that is best on these very episodes. In N-way episodes the
    foreground is given to the first way.

    Args:
        items: Items of a :class:`FewShotDataset` in test mode.

    Returns:
        mIoU by the name of the baseline.
    """
    predictions: dict[str, Callable[[np.ndarray, tuple[int, int]], np.ndarray]] = {
        'everything foreground': lambda support, shape: np.ones(shape, np.int64),
        'support mask copied': _copied,
    }
    for radius in RADII:
        name = f'centred disc of radius {radius:.2f}'
        predictions[name] = partial(_disc, radius=radius)
    counts: dict[str, list] = {name: [] for name in predictions}
    for item in items:
        episode, support = item['data_samples'], item['inputs']['support_masks'][0, 0].numpy()
        target = episode.query_masks.numpy()
        for name, predict in predictions.items():
            pred = np.broadcast_to(predict(support, target.shape[-2:]), target.shape)
            table = episode_counts(pred, target, len(episode.class_ids))
            counts[name].append((episode.run, episode.index, episode.class_ids, table))
    figures = {name: float(summarize(tables)['miou']) for name, tables in counts.items()}
    return _with_best_disc(figures)


def _disc(_: np.ndarray, shape: tuple[int, int], radius: float) -> np.ndarray:
    return centred_disc(shape, radius)


def _copied(support: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Mask of the first support, resized to the query, its ignored pixels background."""
    mask = np.where(support == IGNORED, 0, support).astype(np.uint8)
    resized = cv2.resize(mask, (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST)
    return resized.astype(np.int64)


def _with_best_disc(figures: dict[str, float]) -> dict[str, float]:
    discs = {name: value for name, value in figures.items() if name.startswith('centred disc')}
    best = max(discs, key=discs.__getitem__)
    kept = {name: value for name, value in figures.items() if name not in discs}
    return {**kept, f'best {best}': discs[best]}
