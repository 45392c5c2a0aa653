"""Zero-shot instance segmentation (ZSI) for MMDetection: classes known by their word vectors.

Needs mmcv's compiled ops.
"""

from mmfewshot_seg.compat import check_versions, require_ops

require_ops('Zero-shot instance segmentation')
check_versions('mmdet')

from mmfewshot_seg.models.zeroshot.background_aware_rpn_head import (  # noqa: E402
    BackgroundAwareRPNHead,
)
from mmfewshot_seg.models.zeroshot.class_vectors import ClassVectors  # noqa: E402
from mmfewshot_seg.models.zeroshot.semantic_mask_head import SemanticMaskHead  # noqa: E402
from mmfewshot_seg.models.zeroshot.v1_anchor_generator import V1AnchorGenerator  # noqa: E402
from mmfewshot_seg.models.zeroshot.zero_shot_bbox_head import ZeroShotBBoxHead  # noqa: E402
from mmfewshot_seg.models.zeroshot.zero_shot_detectors import (  # noqa: E402
    ZeroShotFasterRCNN,
    ZeroShotMaskRCNN,
)
from mmfewshot_seg.models.zeroshot.zero_shot_roi_head import ZeroShotRoIHead  # noqa: E402

__all__ = [
    'BackgroundAwareRPNHead',
    'ClassVectors',
    'SemanticMaskHead',
    'V1AnchorGenerator',
    'ZeroShotBBoxHead',
    'ZeroShotFasterRCNN',
    'ZeroShotMaskRCNN',
    'ZeroShotRoIHead',
]
