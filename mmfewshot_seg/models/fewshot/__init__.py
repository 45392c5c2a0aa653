"""Few-shot segmentation for MMSegmentation. Runs without compiled mmcv ops."""

from mmfewshot_seg.models.fewshot.base_fewshot_head import BaseFewShotHead
from mmfewshot_seg.models.fewshot.episode_data_preprocessor import EpisodeDataPreProcessor
from mmfewshot_seg.models.fewshot.fewshot_segmentor import FewShotSegmentor
from mmfewshot_seg.models.fewshot.panet_head import PANetHead
from mmfewshot_seg.models.fewshot.panet_vgg import PANetVGG
from mmfewshot_seg.models.fewshot.signed_resnet import SignedResNet

__all__ = [
    'BaseFewShotHead',
    'EpisodeDataPreProcessor',
    'FewShotSegmentor',
    'PANetHead',
    'PANetVGG',
    'SignedResNet',
]
