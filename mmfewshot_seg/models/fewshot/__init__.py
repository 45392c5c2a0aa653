"""Few-shot segmentation for MMSegmentation. Runs without compiled mmcv ops."""

from mmfewshot_seg.parts import require

require('models.fewshot')

from mmfewshot_seg.models.fewshot.asgnet_head import ASGNetHead
from mmfewshot_seg.models.fewshot.aspp_decoder import ASPPDecoder
from mmfewshot_seg.models.fewshot.base_fewshot_head import BaseFewShotHead
from mmfewshot_seg.models.fewshot.dense_matching_head import DenseMatchingHead
from mmfewshot_seg.models.fewshot.episode_data_preprocessor import EpisodeDataPreProcessor
from mmfewshot_seg.models.fewshot.feature_enrichment import FeatureEnrichment
from mmfewshot_seg.models.fewshot.fewshot_segmentor import FewShotSegmentor
from mmfewshot_seg.models.fewshot.frozen_resnet import FrozenResNet
from mmfewshot_seg.models.fewshot.panet_head import PANetHead
from mmfewshot_seg.models.fewshot.panet_vgg import PANetVGG
from mmfewshot_seg.models.fewshot.signed_resnet import SignedResNet

__all__ = [
    'ASGNetHead',
    'ASPPDecoder',
    'BaseFewShotHead',
    'DenseMatchingHead',
    'EpisodeDataPreProcessor',
    'FeatureEnrichment',
    'FewShotSegmentor',
    'FrozenResNet',
    'PANetHead',
    'PANetVGG',
    'SignedResNet',
]
