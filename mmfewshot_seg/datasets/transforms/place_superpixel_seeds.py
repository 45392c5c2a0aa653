"""Seeds of superpixels, as a transform."""

import math

from mmcv.transforms import BaseTransform

from mmfewshot_seg.functional.superpixel_seeds import SEEDINGS, superpixel_seeds
from mmfewshot_seg.registry import TRANSFORMS, register


@register(TRANSFORMS, host='mmseg')
class PlaceSuperpixelSeeds(BaseTransform):
    """Place the seeds of a support's superpixels, so that the network need not.

    The last transform of a support pipeline: seeds belong to the mask as the network sees it.
    Only the way of the support counts as its mask. Without this transform, and where images of
    unlike size are padded later, ``ASGNetHead`` places the seeds itself; in the pipeline it is done
    in the workers, beside the training.

    Required keys: ``gt_seg_map`` (H, W), and ``role`` and ``way`` that :class:`FewShotDataset`
    gives.

    Added keys: ``seeds`` (max_seeds, 2) int64, see :func:`superpixel_seeds`.

    Args:
        stride: Stride of the features; each of their sides is ceil(side of the image / stride).
        max_seeds: Most seeds of a support.
        area: Feature positions per seed.
        seeding: ``'official'`` or ``'clean'``.

    Raises:
        ValueError: If an argument is out of range, the image is a query, or the label was not
            loaded.
    """

    def __init__(
        self, stride: int = 8, max_seeds: int = 5, area: int = 100, seeding: str = 'official'
    ) -> None:
        for name, value in (('stride', stride), ('max_seeds', max_seeds), ('area', area)):
            if value < 1:
                raise ValueError(f'{name} must be at least 1, got {value}')
        if seeding not in SEEDINGS:
            raise ValueError(f'seeding is one of {SEEDINGS}, got {seeding!r}')
        self.stride = stride
        self.max_seeds = max_seeds
        self.area = area
        self.seeding = seeding

    def transform(self, results: dict) -> dict:
        """Add the seeds to ``results``."""
        if results['role'] != 'support':
            raise ValueError(
                f'PlaceSuperpixelSeeds is for support_pipeline, got a {results["role"]} image'
            )
        if 'gt_seg_map' not in results:
            raise ValueError(
                "PlaceSuperpixelSeeds must stand after 'mmfewshot_seg.LoadEpisodeMask'"
            )
        mask = results['gt_seg_map'] == results['way']
        size = tuple(math.ceil(side / self.stride) for side in mask.shape)
        results['seeds'] = superpixel_seeds(mask, size, self.max_seeds, self.area, self.seeding)
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(stride={self.stride}, max_seeds={self.max_seeds}, '
            f'area={self.area}, seeding={self.seeding!r})'
        )
