"""Blur of images."""

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmfewshot_seg.registry import TRANSFORMS, register


@register(TRANSFORMS, host='mmseg')
class RandomGaussianBlur(BaseTransform):
    """Blur ``img`` by a Gaussian kernel.

    Args:
        kernel_size: Side in pixels, odd.
        prob: Probability of blurring.
        sigma: Least and greatest standard deviation in pixels, between which it is drawn; None
            takes it from the size of the kernel.
    """

    def __init__(
        self,
        kernel_size: int = 5,
        prob: float = 0.5,
        sigma: tuple[float, float] | None = None,
    ) -> None:
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f'kernel_size must be odd and positive, got {kernel_size}')
        if not 0 <= prob <= 1:
            raise ValueError(f'prob is a share from 0 to 1, got {prob}')
        if sigma is not None and not 0 < sigma[0] <= sigma[1]:
            raise ValueError(f'sigma is a least and a greatest positive number, got {sigma}')
        self.kernel_size = kernel_size
        self.prob = prob
        self.sigma = sigma

    def transform(self, results: dict) -> dict:
        """Blur the image, or not."""
        if np.random.rand() < self.prob:
            sigma = 0 if self.sigma is None else np.random.uniform(*self.sigma)
            results['img'] = cv2.GaussianBlur(results['img'], (self.kernel_size,) * 2, sigma)
        return results

    def __repr__(self) -> str:
        settings = f'kernel_size={self.kernel_size}, prob={self.prob}, sigma={self.sigma}'
        return f'{type(self).__name__}({settings})'
