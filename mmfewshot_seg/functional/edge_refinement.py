"""Edges of a prediction at the size of the image, drawn to those that the image has.

Shape letters: ``N`` ways, ``H W`` image size.
"""

import cv2
import numpy as np

from mmfewshot_seg.functional.probabilities import sigmoid, softmax

# What is more probable than this is not questioned, nor is what is less probable than the rest.
CERTAIN = 0.8
# GrabCut takes about half a second for an image of this long side; larger ones gain little.
MAX_SIDE = 640
# The guided filter looks this part of the long side around: one position of usual features.
RADIUS = 1 / 28
SMOOTHNESS = 1e-3


def refine_edges(logits: np.ndarray, image: np.ndarray, method: str) -> np.ndarray:
    """Logits whose largest class follows the edges of the image.

    Args:
        logits: (1+N, H, W) float32, background first.
        image: (H, W, 3) uint8, in any order of channels.
        method: ``'grabcut'`` models the colours of each way and its surroundings in this very
            image; ``'guided'`` smooths probabilities where the image is smooth, 30 times faster.

    Returns:
        (1+N, H, W) float32.

    Raises:
        ValueError: If the method is unknown, or the sizes differ.
    """
    check_method(method)
    if image.shape[:2] != logits.shape[1:]:
        raise ValueError(f'the image has the size {image.shape[:2]}, its logits {logits.shape[1:]}')
    return METHODS[method](logits, np.ascontiguousarray(image))


def check_method(method: str | None) -> None:
    """Refuse a method that :func:`refine_edges` does not know; None is fine.

    Raises:
        ValueError: If it is unknown.
    """
    if method is not None and method not in METHODS:
        raise ValueError(f'refine={method!r}, expected one of {list(METHODS)}, or None')


def grabcut(logits: np.ndarray, image: np.ndarray) -> np.ndarray:
    """One iteration of GrabCut for each way against all else.

    Where several ways claim a pixel, the largest logit decides. Large images are cut at
    ``MAX_SIDE`` and their edges drawn by the guided filter.

    Source: GrabCut (Rother et al., SIGGRAPH 2004), OpenCV's.
    """
    height, width = image.shape[:2]
    scale = MAX_SIDE / max(height, width)
    if scale < 1:
        size = (max(round(width * scale), 1), max(round(height * scale), 1))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        cut = grabcut(_resize(logits, size), small).argmax(0)
        regions = (cut == np.arange(len(logits))[:, None, None]).astype(np.float32)
        radius = round(2 / scale)  # it has only to bridge the pixels of the small image
        return _guided(_resize(regions, (width, height)), image, radius)
    claims = [_claim(logits, way, image) for way in range(1, len(logits))]
    claimed = np.stack([np.ones((height, width), bool), *claims])
    claimed[0] = ~claimed[1:].any(0)
    labels = np.where(claimed, logits, -np.inf).argmax(0)[None]
    # Scores stay as they are but for the class that has won: it is just ahead of the others.
    ahead = np.maximum(np.take_along_axis(logits, labels, 0), logits.max(0) + np.float32(1e-3))
    refined = logits.copy()
    np.put_along_axis(refined, labels, ahead, 0)
    return refined


def guided_filter(logits: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Probabilities, smoothed within the smooth regions of the image; their logarithms.

    Source: Guided Image Filtering (He et al., ECCV 2010), with the grey image as guide.
    """
    radius = max(round(RADIUS * max(image.shape[:2])), 1)
    return _guided(softmax(logits), image, radius)


METHODS = {'grabcut': grabcut, 'guided': guided_filter}


def _guided(probabilities: np.ndarray, image: np.ndarray, radius: int) -> np.ndarray:
    guide = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32) / 255

    def mean(values: np.ndarray) -> np.ndarray:
        size = (2 * radius + 1, 2 * radius + 1)
        return cv2.boxFilter(values, -1, size, borderType=cv2.BORDER_REFLECT)

    means = mean(guide)
    variance = mean(guide * guide) - means * means
    filtered = []
    for probability in probabilities:
        local = mean(probability)
        slope = (mean(guide * probability) - means * local) / (variance + SMOOTHNESS)
        filtered.append(mean(slope) * guide + mean(local - slope * means))
    return np.log(np.maximum(np.stack(filtered), np.float32(1e-6)))


def _claim(logits: np.ndarray, way: int, image: np.ndarray) -> np.ndarray:
    """(H, W) bool, pixels that GrabCut gives to a way."""
    others = np.delete(logits, way, axis=0).max(0)
    probability = sigmoid(logits[way] - others)
    found = probability > 0.5
    if found.all() or not found.any():  # nothing to model the other side by
        return found
    mask = np.where(found, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    mask[probability > CERTAIN] = cv2.GC_FGD
    mask[probability < 1 - CERTAIN] = cv2.GC_BGD
    cv2.setRNGSeed(0)  # it begins with a random clustering of colours
    models = np.zeros((1, 65)), np.zeros((1, 65))
    nowhere = (0, 0, 0, 0)  # the mask says where, no rectangle
    cv2.grabCut(image, mask, nowhere, *models, 1, cv2.GC_INIT_WITH_MASK)
    return (mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)


def _resize(maps: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(C, H, W) maps at another size (width, height)."""
    return np.stack([cv2.resize(m, size, interpolation=cv2.INTER_LINEAR) for m in maps])
