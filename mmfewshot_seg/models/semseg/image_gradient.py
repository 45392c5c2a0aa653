"""Gradient of the input image, which Gated-SCNN joins with its edges."""

from collections.abc import Iterable

import cv2
import numpy as np
import torch
from torch import Tensor

THRESHOLDS = (10, 100)


def canny(image: np.ndarray) -> np.ndarray:
    """Edges by Canny's detector, at each pixel in the channel of strongest gradient.

    Args:
        image: (H, W, 3) uint8.

    Returns:
        (H, W) uint8, 0 or 255.
    """
    return cv2.Canny(np.ascontiguousarray(image), *THRESHOLDS)


def to_bytes(images: Tensor, white: float = 255) -> Tensor:
    """(B, 3, H, W) images of values from 0 to ``white`` as uint8."""
    if white != 255:
        images = images * (255 / white)
    return images.round().clamp_(0, 255).to(torch.uint8)


def official_bytes(images: Tensor) -> Tensor:
    """What the official program takes the edges of: normalized images, cut to whole numbers.

    Negative ones wrap to 254 and 255, as on x86. It needs images that are normalized by the usual
    mean and deviation.
    """
    return images.to(torch.int64).to(torch.uint8)


def image_gradient(images: Tensor) -> Tensor:
    """:func:`canny` of each image.

    Args:
        images: (B, 3, H, W) uint8.

    Returns:
        (B, 1, H, W) float32, 0 or 255, on the same device.
    """
    edges = [canny(image) for image in images.permute(0, 2, 3, 1).cpu().numpy()]
    return torch.from_numpy(np.stack(edges)).unsqueeze(1).to(images.device).float()


class FeaturesWithGradient(tuple):
    """Levels of a backbone or neck, with the gradient of the image they come from.

    It is a tuple of the levels alone, so any head can be beside one that wants the gradient.

    Attributes:
        gradient: (B, 1, H, W), see :func:`image_gradient`.
    """

    gradient: Tensor

    def __new__(cls, levels: Iterable[Tensor], gradient: Tensor) -> 'FeaturesWithGradient':
        """A tuple of ``levels``, with ``gradient`` beside them."""
        features = super().__new__(cls, levels)
        features.gradient = gradient
        return features
