"""Cascade RoI head with the mask branch of RefineMask."""

import torch
from mmdet.models.roi_heads import CascadeRoIHead
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox2roi
from mmengine.model import ModuleList
from mmengine.structures import InstanceData
from torch import nn

from mmfewshot_seg.models.refinemask.base_refine_mask_head import BaseRefineMaskHead
from mmfewshot_seg.models.refinemask.refine_mask_mixin import Levels, RefineMaskMixin
from mmfewshot_seg.registry import MODELS, register


@register(MODELS, host='mmdet')
class CascadeRefineRoIHead(RefineMaskMixin, CascadeRoIHead):
    """mmdet's cascade of box heads with the mask branch of RefineMask.

    Masks are predicted by the last stage of the cascade. Heads of earlier stages, if any, only
    add losses (official code averages nothing of different sizes either).

    Args:
        mask_head: One config: a head in the last stage. A list, one entry per stage: ``None``
            where a stage has no mask head; the last has one.
        mask_roi_extractor: One config for all, or one per stage.
        kwargs: See :class:`RefineMaskMixin` and mmdet's ``CascadeRoIHead``.

    Raises:
        ValueError: See :class:`RefineMaskMixin`; or if a list does not fit the stages.
    """

    @property
    def mask_branches(self) -> list[tuple[BaseRefineMaskHead, nn.Module]]:
        """The mask heads, each with its RoI extractor."""
        return list(zip(self.mask_head, self.mask_roi_extractor, strict=True))

    def init_mask_head(self, mask_roi_extractor: dict | list, mask_head: dict | list) -> None:
        """Build the mask branch of the stages that have one.

        Raises:
            ValueError: See the class.
        """
        if not isinstance(mask_head, list | tuple):
            mask_head = [None] * (self.num_stages - 1) + [mask_head]
        if not isinstance(mask_roi_extractor, list | tuple):
            mask_roi_extractor = [mask_roi_extractor] * self.num_stages
        if len(mask_head) != self.num_stages or mask_head[-1] is None:
            self._refuse(
                f'mask_head with {len(mask_head)} entries, the last {mask_head[-1]}',
                f'one per stage ({self.num_stages}), the last not None; or a single config',
            )
        if len(mask_roi_extractor) != self.num_stages:
            self._refuse(
                f'mask_roi_extractor with {len(mask_roi_extractor)} entries',
                f'one per stage ({self.num_stages}), or a single config',
            )
        self.share_roi_extractor = False
        self.mask_stages = [stage for stage, head in enumerate(mask_head) if head is not None]
        self.mask_head = ModuleList(MODELS.build(mask_head[s]) for s in self.mask_stages)
        self.mask_roi_extractor = ModuleList(
            MODELS.build(mask_roi_extractor[s]) for s in self.mask_stages
        )
        for stage, branch in zip(self.mask_stages, self.mask_branches, strict=True):
            self._check_mask_head(*branch, self.bbox_head[stage])

    def mask_loss(
        self,
        stage: int,
        x: Levels,
        sampling_results: list[SamplingResult],
        batch_gt_instances: list[InstanceData],
    ) -> dict:
        """See :meth:`RefineMaskMixin.refine_loss`; no losses for a stage without a mask head."""
        if stage not in self.mask_stages:
            return dict(loss_mask={})
        index = self.mask_stages.index(stage)
        return self.refine_loss(x, sampling_results, batch_gt_instances, index)

    def forward(
        self,
        x: Levels,
        rpn_results_list: list[InstanceData],
        batch_data_samples: list[DetDataSample],
    ) -> tuple:
        """Class scores and box deltas of each image, and merged mask logits of all proposals.

        Each proposal's mask is that of its best class, in the box of the last stage.
        """
        metas = [sample.metainfo for sample in batch_data_samples]
        proposals = [results.bboxes for results in rpn_results_list]
        rois, scores, deltas = self._refine_roi(
            x, bbox2roi(proposals), metas, tuple(len(boxes) for boxes in proposals)
        )
        if not self.with_mask:
            return scores, deltas
        labels = torch.cat(scores)[:, : self.bbox_head[-1].num_classes].argmax(1)
        return scores, deltas, self.mask_logits(x, torch.cat(rois), labels)
