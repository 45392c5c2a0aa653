"""What the systems on PSPNet's deep-stem ResNet have in common, and its ImageNet files."""

import torch

from mmfewshot_seg.converters.checkpoint import Layout, StateDict
from mmfewshot_seg.converters.resnet_depth import resnet_depth
from mmfewshot_seg.registry import MODELS

STAGES = (r'(layer[123]\..+)', r'backbone.\1')


def backbone_target(config: dict) -> StateDict:
    """Parameters and buffers of a backbone as part of a segmentor."""
    with torch.device('meta'):
        backbone = MODELS.build(config)
    return {f'backbone.{key}': value for key, value in backbone.state_dict().items()}


def resnet_target(state_dict: StateDict, prefix: str = '') -> StateDict:
    """Stages 1 to 3 of the deep-stem ResNet that the file has."""
    return backbone_target(
        dict(
            type='mmseg.ResNet',
            depth=resnet_depth(state_dict, prefix),
            deep_stem=True,
            stem_channels=128,
            num_stages=3,
            strides=(1, 2, 1),
            dilations=(1, 1, 2),
            out_indices=(2,),
        )
    )


IMAGENET = Layout(
    name='ImageNet ResNet with PSPNet stem',
    signature='conv3.weight',
    renames=(
        (r'conv1\.(.+)', r'backbone.stem.0.\1'),
        (r'bn1\.(.+)', r'backbone.stem.1.\1'),
        (r'conv2\.(.+)', r'backbone.stem.3.\1'),
        (r'bn2\.(.+)', r'backbone.stem.4.\1'),
        (r'conv3\.(.+)', r'backbone.stem.6.\1'),
        (r'bn3\.(.+)', r'backbone.stem.7.\1'),
        STAGES,
    ),
    dead=(r'layer4\..+', r'fc\..+'),
    target=resnet_target,
)
