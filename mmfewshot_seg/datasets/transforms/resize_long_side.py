"""Evaluation resize of PFENet and ASGNet."""

from mmseg.datasets.transforms import Resize

from mmfewshot_seg.registry import TRANSFORMS, register


@register(TRANSFORMS, host='mmseg')
class ResizeLongSide(Resize):
    """Resize to a long side, both sides then truncated to a multiple.

    (mmseg's ``ResizeToMultiple`` and mmcv's ``imresize_to_multiple`` round up instead.) With a
    ``Pad(size=(473, 473))`` after it, this is the test pipeline of PFENet: the long side is 472 in
    a square of 473.

    Args:
        long_side: Long side of the image before truncation, in pixels.
        divisor: Both sides become multiples of it, at least one.
        **kwargs: ``interpolation`` and ``backend`` of mmseg's ``Resize``.
    """

    def __init__(self, long_side: int, divisor: int = 8, **kwargs) -> None:
        if not 1 <= divisor <= long_side:
            raise ValueError(f'divisor must be from 1 to long_side={long_side}, got {divisor}')
        super().__init__(scale=long_side, keep_ratio=False, **kwargs)
        self.long_side = long_side
        self.divisor = divisor

    def _resize_img(self, results: dict) -> None:
        """Set the scale of this image before the image, and then its label, is resized."""
        height, width = results['img'].shape[:2]
        longest = max(height, width)
        results['scale'] = tuple(
            max(side * self.long_side // longest // self.divisor, 1) * self.divisor
            for side in (width, height)
        )
        super()._resize_img(results)

    def __repr__(self) -> str:
        return f'{type(self).__name__}(long_side={self.long_side}, divisor={self.divisor})'
