"""Semantic segmentation for MMSegmentation. Runs without compiled mmcv ops and without mmdet."""

from mmfewshot_seg.parts import require

require('models.semseg')

from mmfewshot_seg.models.semseg.balanced_edge_loss import BalancedEdgeLoss
from mmfewshot_seg.models.semseg.channel_attention import ChannelAttention
from mmfewshot_seg.models.semseg.dual_attention_head import DualAttentionHead
from mmfewshot_seg.models.semseg.dual_task_loss import DualTaskLoss
from mmfewshot_seg.models.semseg.edge_attention_loss import EdgeAttentionLoss
from mmfewshot_seg.models.semseg.gated_conv import GatedConv
from mmfewshot_seg.models.semseg.gated_scnn import GatedSCNN
from mmfewshot_seg.models.semseg.gated_scnn_head import GatedSCNNHead
from mmfewshot_seg.models.semseg.joint_pyramid_upsampling import JointPyramidUpsampling
from mmfewshot_seg.models.semseg.per_image_weighted_cross_entropy import (
    PerImageWeightedCrossEntropy,
)
from mmfewshot_seg.models.semseg.position_attention import PositionAttention
from mmfewshot_seg.models.semseg.rowwise_attention import position_attention
from mmfewshot_seg.models.semseg.semantic_tta_model import SemanticTTAModel
from mmfewshot_seg.models.semseg.staged_pyramid_upsampling import StagedPyramidUpsampling
from mmfewshot_seg.models.semseg.wide_resnet38 import WideResNet38

__all__ = [
    'BalancedEdgeLoss',
    'ChannelAttention',
    'DualAttentionHead',
    'DualTaskLoss',
    'EdgeAttentionLoss',
    'GatedConv',
    'GatedSCNN',
    'GatedSCNNHead',
    'JointPyramidUpsampling',
    'PerImageWeightedCrossEntropy',
    'PositionAttention',
    'SemanticTTAModel',
    'StagedPyramidUpsampling',
    'WideResNet38',
    'position_attention',
]
