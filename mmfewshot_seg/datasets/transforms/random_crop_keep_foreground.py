"""A crop that does not lose what the episode asks for."""

import numpy as np
from mmseg.datasets.transforms import RandomCrop

from mmfewshot_seg.registry import TRANSFORMS, register


@register(TRANSFORMS, host='mmseg')
class RandomCropKeepForeground(RandomCrop):
    """mmseg's ``RandomCrop``, drawn again until it keeps most of the foreground.

    Foreground are the labels 1..254, all ways. Images smaller than the crop are padded before by
    ``Pad(size=crop_size)``. After the last draw the crop is taken as it is.

    Args:
        crop_size: Side, or (height, width).
        min_foreground: Share of the foreground pixels to keep, 0 to 1.
        max_redraws: Further draws after the first.
    """

    def __init__(
        self,
        crop_size: int | tuple[int, int],
        min_foreground: float = 0.85,
        max_redraws: int = 31,
        **kwargs,
    ) -> None:
        super().__init__(crop_size, **kwargs)
        if not 0 <= min_foreground <= 1:
            raise ValueError(f'min_foreground is a share from 0 to 1, got {min_foreground}')
        self.min_foreground = min_foreground
        self.max_redraws = max_redraws

    def crop_bbox(self, results: dict) -> tuple[int, int, int, int]:
        """Rows and columns of the crop: (y1, y2, x1, x2)."""
        label = results['gt_seg_map']
        foreground = (label > 0) & (label < self.ignore_index)
        needed = self.min_foreground * np.count_nonzero(foreground)
        for _ in range(self.max_redraws + 1):
            box = super().crop_bbox(results)
            if np.count_nonzero(self.crop(foreground, box)) >= needed:
                break
        return box

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(crop_size={self.crop_size}, '
            f'min_foreground={self.min_foreground}, max_redraws={self.max_redraws})'
        )
