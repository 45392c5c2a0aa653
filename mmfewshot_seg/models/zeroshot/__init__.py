"""Zero-shot instance segmentation (ZSI) for MMDetection: classes known by their word vectors.

Needs mmcv's compiled ops.
"""

from mmfewshot_seg.parts import require

require('models.zeroshot')

from mmfewshot_seg.models.zeroshot.background_aware_rpn_head import BackgroundAwareRPNHead
from mmfewshot_seg.models.zeroshot.class_vectors import ClassVectors
from mmfewshot_seg.models.zeroshot.detected_classes import DetectedClasses
from mmfewshot_seg.models.zeroshot.semantic_mask_head import SemanticMaskHead
from mmfewshot_seg.models.zeroshot.v1_anchor_generator import V1AnchorGenerator
from mmfewshot_seg.models.zeroshot.zero_shot_bbox_head import ZeroShotBBoxHead
from mmfewshot_seg.models.zeroshot.zero_shot_detectors import (
    ZeroShotFasterRCNN,
    ZeroShotMaskRCNN,
)
from mmfewshot_seg.models.zeroshot.zero_shot_roi_head import ZeroShotRoIHead

__all__ = [
    'BackgroundAwareRPNHead',
    'ClassVectors',
    'DetectedClasses',
    'SemanticMaskHead',
    'V1AnchorGenerator',
    'ZeroShotBBoxHead',
    'ZeroShotFasterRCNN',
    'ZeroShotMaskRCNN',
    'ZeroShotRoIHead',
]
