"""mmdet's RoI head with the mask branch of RefineMask."""

from mmdet.models.roi_heads import StandardRoIHead
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmfewshot_seg.models.refinemask.base_refine_mask_head import BaseRefineMaskHead
from mmfewshot_seg.models.refinemask.refine_mask_mixin import Levels, RefineMaskMixin
from mmfewshot_seg.registry import MODELS, register

TENSOR_MODE_ROIS = 100  # as many as mmdet's own heads take in tensor mode


@register(MODELS, host='mmdet')
class RefineRoIHead(RefineMaskMixin, StandardRoIHead):
    """mmdet's RoI head with the mask branch of RefineMask.

    Args:
        kwargs: See :class:`RefineMaskMixin` and mmdet's ``StandardRoIHead``.

    Raises:
        ValueError: See :class:`RefineMaskMixin`.
    """

    @property
    def mask_branches(self) -> list[tuple[BaseRefineMaskHead, nn.Module]]:
        """The mask head and its RoI extractor."""
        return [(self.mask_head, self.mask_roi_extractor)]

    def init_mask_head(self, mask_roi_extractor: dict, mask_head: dict) -> None:
        """Build the mask branch.

        Raises:
            ValueError: See :class:`RefineMaskMixin`.
        """
        super().init_mask_head(mask_roi_extractor, mask_head)
        bbox_head = self.bbox_head if self.with_bbox else None
        self._check_mask_head(self.mask_head, self.mask_roi_extractor, bbox_head)

    def mask_loss(
        self,
        x: Levels,
        sampling_results: list[SamplingResult],
        bbox_feats: Tensor,
        batch_gt_instances: list[InstanceData],
    ) -> dict:
        """See :meth:`RefineMaskMixin.refine_loss`."""
        return self.refine_loss(x, sampling_results, batch_gt_instances)

    def forward(
        self,
        x: Levels,
        rpn_results_list: list[InstanceData],
        batch_data_samples: list[DetDataSample] | None = None,
    ) -> tuple:
        """Class scores and box deltas of all proposals, merged mask logits of the first 100.

        Each proposal's mask is that of its best class.
        """
        rois = bbox2roi([results.bboxes for results in rpn_results_list])
        bbox_results = self._bbox_forward(x, rois)
        scores = bbox_results['cls_score']
        results = (scores, bbox_results['bbox_pred'])
        if not self.with_mask:
            return results
        labels = scores[:TENSOR_MODE_ROIS, : self.bbox_head.num_classes].argmax(1)
        return (*results, self.mask_logits(x, rois[:TENSOR_MODE_ROIS], labels))
