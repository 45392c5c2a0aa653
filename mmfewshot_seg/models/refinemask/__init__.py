"""RefineMask for MMDetection: high-quality masks in any two-stage detector with a pyramid.

Needs mmcv's compiled ops.
"""

from mmfewshot_seg.parts import require

require('models.refinemask')

from mmfewshot_seg.models.refinemask.boundary_region import boundary_region
from mmfewshot_seg.models.refinemask.cascade_refine_roi_head import CascadeRefineRoIHead
from mmfewshot_seg.models.refinemask.grid_refine_roi_head import GridRefineRoIHead
from mmfewshot_seg.models.refinemask.htc_refine_roi_head import HybridTaskCascadeRefineRoIHead
from mmfewshot_seg.models.refinemask.mask_tta_model import MaskTTAModel
from mmfewshot_seg.models.refinemask.refine_loss import BARCrossEntropyLoss, RefineCrossEntropyLoss
from mmfewshot_seg.models.refinemask.refine_mask_head import RefineMaskHead
from mmfewshot_seg.models.refinemask.refine_mask_mixin import RefineMaskMixin
from mmfewshot_seg.models.refinemask.refine_roi_head import RefineRoIHead
from mmfewshot_seg.models.refinemask.simple_refine_mask_head import SimpleRefineMaskHead
from mmfewshot_seg.models.refinemask.stage_merge import merge_stages

__all__ = [
    'BARCrossEntropyLoss',
    'CascadeRefineRoIHead',
    'GridRefineRoIHead',
    'HybridTaskCascadeRefineRoIHead',
    'MaskTTAModel',
    'RefineCrossEntropyLoss',
    'RefineMaskHead',
    'RefineMaskMixin',
    'RefineRoIHead',
    'SimpleRefineMaskHead',
    'boundary_region',
    'merge_stages',
]
