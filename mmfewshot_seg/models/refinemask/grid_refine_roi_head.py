"""Grid RoI head with the mask branch of RefineMask."""

from mmdet.models.roi_heads import GridRoIHead
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData

from mmfewshot_seg.models.refinemask.refine_mask_mixin import Levels
from mmfewshot_seg.models.refinemask.refine_roi_head import TENSOR_MODE_ROIS, RefineRoIHead
from mmfewshot_seg.registry import MODELS, register


@register(MODELS, host='mmdet')
class GridRefineRoIHead(RefineRoIHead, GridRoIHead):
    """mmdet's Grid R-CNN, which finds boxes by points, with the mask branch of RefineMask.

    Masks are trained in the positive RoIs as mmdet moves them at random for its grids.

    Args:
        kwargs: See :class:`RefineMaskMixin` and mmdet's ``GridRoIHead``. ``test_cfg`` needs
            ``mask_thr_binary``, which configs of boxes alone do not have.

    Raises:
        ValueError: See :class:`RefineMaskMixin`.
    """

    def forward(
        self,
        x: Levels,
        rpn_results_list: list[InstanceData],
        batch_data_samples: list[DetDataSample] | None = None,
    ) -> tuple:
        """What :class:`RefineRoIHead` gives, and the maps of grid points of the first 100."""
        found = super().forward(x, rpn_results_list, batch_data_samples)
        rois = bbox2roi([results.bboxes for results in rpn_results_list])[:TENSOR_MODE_ROIS]
        extractor = self.grid_roi_extractor
        return (*found, self.grid_head(extractor(x[: extractor.num_inputs], rois)))
