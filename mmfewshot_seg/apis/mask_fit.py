"""Whether a mask belongs to its image: what is told by the two alone, without any other support.

Shape letters: ``H W`` size of the image, ``h w`` of its features, ``C`` channels.
"""

import cv2
import numpy as np
import torch
from torch import Tensor

from mmfewshot_seg.models.fewshot.dense_matching_head import class_shares

# A mask whose outline and inner agreement come to less is not that of the image. Chosen on the
# validation classes of docs/learning.md, as are the weight and the sizes below.
LEAST_FIT = 4.1
AGREEMENT_WEIGHT = 4.0
# Masks of less of the image are not judged: the smallest ones of those classes cover 0.05.
LEAST_SHARE = 0.04
TEMPERATURE = 0.05


def mask_fit(image: np.ndarray, label: np.ndarray, features: Tensor) -> float:
    """How well a mask fits its image; see ``LEAST_FIT``.

    Args:
        image: (H, W, 3) uint8 BGR.
        label: (H, W) uint8: 1 the class, 0 background, 255 not annotated.
        features: (C, h, w) float32 of length 1.

    Returns:
        :func:`outline_contrast` and ``AGREEMENT_WEIGHT`` times :func:`inner_agreement`; nan where
        that cannot be told: of small masks, and of labels whose outline no image could confirm,
        which are boxes, scribbles, all or nothing.
    """
    if (label == 1).mean() < LEAST_SHARE or _has_boxes_only(label):
        return float('nan')
    return outline_contrast(image, label) + AGREEMENT_WEIGHT * inner_agreement(features, label)


def outline_contrast(image: np.ndarray, label: np.ndarray) -> float:
    """How much stronger colours change across the outline than across one that lies elsewhere.

    It is the mean logarithm of the difference in colour of pixels on either side of the outline,
    less that of the same outline mirrored and shifted within the image.

    Args:
        image: (H, W, 3) uint8 BGR.
        label: (H, W) uint8: 1 the class, 0 background, 255 not annotated.

    Returns:
        nan if there is no outline.
    """
    side = max(label.shape)
    step, shift = max(round(side / 75), 1), side // 5
    colours: np.ndarray = cv2.cvtColor(image, cv2.COLOR_BGR2LAB).astype(np.float32)
    colours = cv2.GaussianBlur(colours, (0, 0), side / 150)
    changes = [np.linalg.norm(_across(colours, step, axis), axis=-1) for axis in (0, 1)]
    usual = np.mean([change.mean() for change in changes]) + 1e-6
    logs = [np.log(change / usual + 0.05) for change in changes]
    elsewhere = [label[:, ::-1], label[::-1], label[::-1, ::-1]]
    elsewhere += [np.roll(label, by, axis) for by in (shift, -shift) for axis in (0, 1)]
    return _mean_on(logs, label, step) - float(
        np.mean([_mean_on(logs, e, step) for e in elsewhere])
    )


def _across(values: np.ndarray, step: int, axis: int) -> np.ndarray:
    """Differences of values that are ``step`` apart."""
    length = values.shape[axis]
    return values.take(range(step, length), axis) - values.take(range(length - step), axis)


def _mean_on(logs: list[np.ndarray], label: np.ndarray, step: int) -> float:
    """Mean over pairs of pixels of which one is the class and one is background."""
    # Of 0, 1 and 255, no two but 0 and 1 are 1 apart.
    pairs = [abs(_across(label.astype(np.int16), step, axis)) == 1 for axis in (0, 1)]
    on = np.concatenate([log[pair] for log, pair in zip(logs, pairs, strict=True)])
    return float(on.mean()) if len(on) else float('nan')


@torch.no_grad()
def inner_agreement(features: Tensor, label: np.ndarray) -> float:
    """How well the features of an image tell the class from the background by the mask itself.

    Each position is judged by all others but its neighbours, which would agree for nearness alone.

    Args:
        features: (C, h, w) float32 of length 1.
        label: (H, W) uint8: 1 the class, 0 background, 255 not annotated.

    Returns:
        Area under the ROC curve: 1 if all of the class is more like the class than all background.
    """
    size = features.shape[-2], features.shape[-1]
    mask = torch.from_numpy(np.ascontiguousarray(label)).long().to(features.device)
    shares = class_shares(mask[None, None, None], size).flatten(2)[0]
    positions = features.flatten(1).T
    weights = ((positions @ positions.T - 1) / TEMPERATURE).exp()
    rows, columns = (
        grid.flatten().to(features.device)
        for grid in torch.meshgrid(*map(torch.arange, size), indexing='ij')
    )
    apart = torch.maximum(abs(rows[:, None] - rows), abs(columns[:, None] - columns))
    weights.masked_fill_(apart <= max(round(max(size) / 14), 1), 0)
    tiny = torch.finfo(weights.dtype).tiny
    background, inside = (shares @ weights).clamp_min(tiny).log()
    order = (inside - background).argsort()
    wrong, right = shares[:, order]
    beaten = wrong.cumsum(0) - wrong / 2
    return float((right * beaten).sum() / (right.sum() * wrong.sum()).clamp_min(tiny))


def _has_boxes_only(label: np.ndarray) -> bool:
    """Whether each connected part of the class fills its bounding box."""
    inside = (label == 1).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(inside, connectivity=8)
    parts = stats[1:]
    boxes = parts[:, cv2.CC_STAT_WIDTH] * parts[:, cv2.CC_STAT_HEIGHT]
    return bool((parts[:, cv2.CC_STAT_AREA] == boxes).all())
