"""Hybrid task cascade with the mask branch of RefineMask."""

from collections.abc import Sequence

from mmdet.models.roi_heads import HybridTaskCascadeRoIHead
from mmdet.models.task_modules.samplers import SamplingResult
from mmengine.structures import InstanceData
from torch import Tensor

from mmfewshot_seg.models.refinemask.cascade_refine_roi_head import CascadeRefineRoIHead
from mmfewshot_seg.models.refinemask.refine_mask_mixin import Levels
from mmfewshot_seg.registry import MODELS, register


@register(MODELS, host='mmdet')
class HybridTaskCascadeRefineRoIHead(CascadeRefineRoIHead, HybridTaskCascadeRoIHead):
    """mmdet's hybrid task cascade of box heads with the mask branch of RefineMask.

    Of what makes the cascade a hybrid one, the mask branch keeps its training in the boxes that
    the stage has just refined (``interleaved``), and the boxes keep the features of the semantic
    head. RefineMask has semantic features of its own, and none that one mask head could hand on to
    the next.

    Args:
        semantic_fusion: What the features of ``semantic_head`` are added to: ``('bbox',)``.
        mask_info_flow: Must be off.
        kwargs: See :class:`CascadeRefineRoIHead` and mmdet's ``HybridTaskCascadeRoIHead``.

    Raises:
        ValueError: If masks are to be in ``semantic_fusion``, or ``mask_info_flow`` is on; or see
            :class:`CascadeRefineRoIHead`.
    """

    def __init__(
        self,
        *args,
        semantic_fusion: Sequence[str] = ('bbox',),
        mask_info_flow: bool = False,
        **kwargs,
    ) -> None:
        if mask_info_flow:
            self._refuse('mask_info_flow=True', 'False: heads of RefineMask hand on no features')
        if 'mask' in semantic_fusion:
            self._refuse(
                f'semantic_fusion={tuple(semantic_fusion)}',
                "('bbox',): the masks have semantic features of RefineMask's own",
            )
        super().__init__(
            *args, semantic_fusion=semantic_fusion, mask_info_flow=mask_info_flow, **kwargs
        )

    def mask_loss(
        self,
        stage: int,
        x: Levels,
        sampling_results: list[SamplingResult],
        batch_gt_instances: list[InstanceData],
        semantic_feat: Tensor | None = None,
    ) -> dict:
        """See :class:`CascadeRefineRoIHead`; ``semantic_feat`` is for the boxes alone."""
        return super().mask_loss(stage, x, sampling_results, batch_gt_instances)

    def predict_mask(
        self,
        x: Levels,
        batch_img_metas: list[dict],
        results_list: list[InstanceData],
        rescale: bool = False,
        semantic_heat: Tensor | None = None,
    ) -> list[InstanceData]:
        """See :class:`RefineMaskMixin`; ``semantic_heat`` is for the boxes alone."""
        return super().predict_mask(x, batch_img_metas, results_list, rescale)

    def _bbox_forward(
        self, stage: int, x: Levels, rois: Tensor, semantic_feat: Tensor | None = None
    ) -> dict:
        if self.with_semantic and semantic_feat is None:  # test-time augmentation, tensor mode
            semantic_feat = self.semantic_head(x)[1]
        return super()._bbox_forward(stage, x, rois, semantic_feat)
