"""RefineMask for MMDetection: high-quality masks in any two-stage detector with a pyramid.

Needs mmcv's compiled ops.
"""

from mmfewshot_seg.compat import check_versions, require_ops

require_ops('RefineMask')
check_versions('mmdet')

from mmfewshot_seg.models.refinemask.boundary_region import boundary_region  # noqa: E402
from mmfewshot_seg.models.refinemask.cascade_refine_roi_head import (  # noqa: E402
    CascadeRefineRoIHead,
)
from mmfewshot_seg.models.refinemask.mask_tta_model import MaskTTAModel  # noqa: E402
from mmfewshot_seg.models.refinemask.refine_loss import (  # noqa: E402
    BARCrossEntropyLoss,
    RefineCrossEntropyLoss,
)
from mmfewshot_seg.models.refinemask.refine_mask_head import RefineMaskHead  # noqa: E402
from mmfewshot_seg.models.refinemask.refine_mask_mixin import RefineMaskMixin  # noqa: E402
from mmfewshot_seg.models.refinemask.refine_roi_head import RefineRoIHead  # noqa: E402
from mmfewshot_seg.models.refinemask.simple_refine_mask_head import (  # noqa: E402
    SimpleRefineMaskHead,
)
from mmfewshot_seg.models.refinemask.stage_merge import merge_stages  # noqa: E402

__all__ = [
    'BARCrossEntropyLoss',
    'CascadeRefineRoIHead',
    'MaskTTAModel',
    'RefineCrossEntropyLoss',
    'RefineMaskHead',
    'RefineMaskMixin',
    'RefineRoIHead',
    'SimpleRefineMaskHead',
    'boundary_region',
    'merge_stages',
]
