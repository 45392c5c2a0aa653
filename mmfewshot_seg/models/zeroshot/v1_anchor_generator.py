"""Anchors of MMDetection 1.x, for checkpoints that were trained with them."""

from mmdet.models.task_modules.prior_generators import LegacyAnchorGenerator
from torch import Tensor

from mmfewshot_seg.registry import TASK_UTILS, register


@register(TASK_UTILS, host='mmdet')
class V1AnchorGenerator(LegacyAnchorGenerator):
    """The anchors of MMDetection 1.x as boxes of today.

    There the last pixel was part of a box. Shifted by one, the same anchors have the same widths
    and overlaps by today's rules, so nothing else of the detector has to be of old.

    Args:
        kwargs: See mmdet's ``AnchorGenerator``; the centres are those of 1.x.
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(center_offset=0.5, **kwargs)

    def gen_single_level_base_anchors(self, *args, **kwargs) -> Tensor:
        """(A, 4); arguments as of mmdet's class."""
        anchors = super().gen_single_level_base_anchors(*args, **kwargs)
        return anchors + anchors.new_tensor([0, 0, 1, 1])
