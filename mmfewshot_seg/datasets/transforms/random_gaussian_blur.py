"""Blur of images."""

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmfewshot_seg.registry import TRANSFORMS, register


@register(TRANSFORMS, host='mmseg')
class RandomGaussianBlur(BaseTransform):
    """Blur ``img`` by a Gaussian kernel, with its standard deviation from the size of the kernel.

    Args:
        kernel_size: Side in pixels, odd.
        prob: Probability of blurring.
    """

    def __init__(self, kernel_size: int = 5, prob: float = 0.5) -> None:
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f'kernel_size must be odd and positive, got {kernel_size}')
        if not 0 <= prob <= 1:
            raise ValueError(f'prob is a share from 0 to 1, got {prob}')
        self.kernel_size = kernel_size
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Blur the image, or not."""
        if np.random.rand() < self.prob:
            results['img'] = cv2.GaussianBlur(results['img'], (self.kernel_size,) * 2, 0)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(kernel_size={self.kernel_size}, prob={self.prob})'
