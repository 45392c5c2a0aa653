"""Where the superpixels of a support begin: positions spread over its mask.

Source: ASGNet (Li et al., CVPR 2021), section 3.2; seeds as in MaskSLIC (Irving, 2016).
"""

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt

from mmfewshot_seg.functional.bilinear import resize_bilinear

SEEDINGS = ('official', 'clean')


def superpixel_seeds(
    mask: np.ndarray,
    size: tuple[int, int],
    max_seeds: int = 5,
    area: int = 100,
    seeding: str = 'official',
) -> np.ndarray:
    """Seeds of the superpixels of one support.

    Seeds are placed one after the other, each as far as possible from the background and from
    the seeds before it. Fewer than two are none: such a support has one prototype.

    ``'official'`` is what published checkpoints were trained and judged with: the mask is
    sampled by nearest neighbour, which is not the grid of the features; the border of the mask's
    box is no background; a seed in the first row or column may be miscounted, so that the last
    ones are left out. ``'clean'``: every seed lies inside the mask at feature size, the border
    counts as background, as many seeds as whole areas, none left out (the paper's formula).

    Args:
        mask: (H, W) bool.
        size: Feature size (h, w).
        max_seeds: Most seeds of a support.
        area: Positions per seed, at feature size.
        seeding: ``'official'`` or ``'clean'``.

    Returns:
        (max_seeds, 2) int64 rows and columns at feature size, the unused places -1.

    Examples:
        >>> superpixel_seeds(np.ones((97, 97), bool), (13, 13), max_seeds=2, seeding='clean')
        array([[-1, -1],
               [-1, -1]])
        >>> superpixel_seeds(np.ones((97, 97), bool), (13, 13), 2, area=50, seeding='clean')
        array([[6, 6],
               [3, 3]])

    Raises:
        ValueError: If ``seeding`` is unknown.
    """
    if seeding not in SEEDINGS:
        raise ValueError(f'seeding={seeding!r}, expected one of {SEEDINGS}')
    if seeding == 'official':
        seeds = official_placement(mask, size, max_seeds, area)
        seeds = seeds[: np.count_nonzero(seeds, axis=0).max(initial=0)]
    else:
        seeds = _placement(_inside(mask, size), max_seeds, area, clean=True)
    used = np.full((max_seeds, 2), -1, np.int64)
    if len(seeds) > 1:
        used[: len(seeds)] = seeds
    return used


def official_placement(
    mask: np.ndarray, size: tuple[int, int], max_seeds: int = 5, area: int = 100
) -> np.ndarray:
    """(n, 2) seeds as the official data loader places them, before the network counts them."""
    small = cv2.resize(mask.astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST)
    return _placement(small > 0, max_seeds, area, clean=False)


def _inside(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(h, w) bool, positions whose bilinear sample of the mask is 1."""
    return resize_bilinear(mask.astype(np.float32), size, align_corners=True) > 1 - 1e-4


def _placement(small: np.ndarray, max_seeds: int, area: int, clean: bool) -> np.ndarray:
    """(n, 2) seeds in a mask at feature size."""
    count = np.count_nonzero(small)
    wanted = min(count // area if clean else round(count / area), max_seeds)
    if wanted < 2:
        return np.empty((0, 2), np.int64)
    rows, columns = np.nonzero(small.any(1))[0], np.nonzero(small.any(0))[0]
    box = small[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    free = np.pad(box, int(clean))
    seeds = []
    for _ in range(wanted):
        seeds.append(np.unravel_index(np.argmax(_distances(free)), free.shape))
        free[seeds[-1]] = False
    return np.array(seeds) + (rows[0] - clean, columns[0] - clean)


def _distances(free: np.ndarray) -> np.ndarray:
    """Euclidean distance of every position to the nearest that is not free."""
    if free.all():  # SciPy leaves this case open; the official seeds come from its (-1, 0)
        rows, columns = np.indices(free.shape)
        return np.hypot(rows + 1, columns)
    return distance_transform_edt(free)
