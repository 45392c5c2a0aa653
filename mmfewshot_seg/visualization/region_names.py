"""Names written into labelled regions."""

from collections.abc import Sequence

import cv2
import numpy as np

from mmfewshot_seg.structures.labels import IGNORED
from mmfewshot_seg.visualization.text import draw_text, legible, text_size


def write_names(picture: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Write the name of each way where its largest region is widest.

    Where a name would cover another one it moves down.

    Args:
        picture: (H, W, 3) uint8 RGB.
        labels: (H, W) integers: 0 background, 1..N the ways, 255 ignored.
        names: N names; a number stands for one whose letters no font has.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    written, taken = picture.copy(), np.zeros(labels.shape, bool)
    names = legible(names)
    scale = max(min(labels.shape) / 700, 0.33)
    thickness = max(round(1.5 * scale), 1)
    for way in np.unique(labels[(labels > 0) & (labels != IGNORED)]):
        width, height, below = text_size(names[way - 1], scale, thickness)
        x, y = _middle(labels == way)
        x = min(max(x - width // 2, 2), max(labels.shape[1] - width - 2, 2))
        top = min(max(y - height // 2, 2), max(labels.shape[0] - height - below - 2, 2))
        covered = np.s_[top : top + height + below, x : x + width]
        while taken[covered].any():
            top += height + below
            covered = np.s_[top : top + height + below, x : x + width]
        taken[covered] = True
        place, white, black = (x, top + height), (255, 255, 255), (0, 0, 0)
        draw_text(written, names[way - 1], place, scale, white, thickness, rim=black)
    return written


def _middle(mask: np.ndarray) -> tuple[int, int]:
    """(x, y) deepest inside the largest connected region of a mask that is not empty."""
    _, regions, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    largest = 1 + stats[1:, cv2.CC_STAT_AREA].argmax()
    inside = np.pad(regions == largest, 1).astype(np.uint8)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 3)
    deep = np.argwhere(depth > depth.max() - 1)
    row, column = deep[((deep - deep.mean(0)) ** 2).sum(1).argmin()]
    return int(column) - 1, int(row) - 1
